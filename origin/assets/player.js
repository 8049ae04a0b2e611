// Playback with hls.js, adapted to a server that encodes a missing segment while its request waits.
"use strict";

// Takes the time for which a request waited for its segment to be encoded out of the loading time, and returns it in
// seconds. If it counted, the player would measure a slow network and go down to the lowest quality. A copy from a
// cache has the header Age; its Server-Timing is about the wait of an earlier request.
function discountWait(stats, request) {
  const header = (name) => request && request.getResponseHeader && request.getResponseHeader(name);
  if (header("age")) return;
  const made = /(?:^|,)\s*make;dur=([\d.]+)/.exec(header("server-timing") || "");
  const untilFirstByte = stats.loading.first - stats.loading.start;
  if (made && untilFirstByte > 0) stats.loading.start += Math.min(Number(made[1]), untilFirstByte);
  return made ? Number(made[1]) / 1000 : 0;
}

// Loader of hls.js that calls `onMade` with each fragment that was encoded while its request waited, and the seconds of
// that wait.
function loader(onMade) {
  return class extends Hls.DefaultConfig.loader {
    load(context, config, callbacks) {
      const onSuccess = (response, stats, context, request) => {
        const wait = discountWait(stats, request);
        if (wait && context.frag) onMade(context.frag, wait);
        callbacks.onSuccess(response, stats, context, request);
      };
      super.load(context, config, { ...callbacks, onSuccess });
    }
  };
}

// Seconds that have to be buffered before the quality may rise while the video is not encoded completely.
const DEEP = 8;
// TOO_SLOW is a fraction of a fragment's duration: if encoding takes longer, no time is left for the network. Fragments
// of at most SHORT seconds, with which a video begins, are not judged: they measure how fast the encoder starts.
const TOO_SLOW = 0.7, SHORT = 2;

// Seconds that are buffered after the present position.
function ahead(video) {
  const at = video.currentTime;
  for (let i = 0; i < video.buffered.length; i++) {
    if (video.buffered.start(i) <= at && at < video.buffered.end(i)) return video.buffered.end(i) - at;
  }
  return 0;
}

// Fatal errors in a row after which playback is given up: some minutes without the server.
const MOST_ERRORS = 10;
// Least time between two loads of the master playlist after a rendition was replaced: a cache may keep the old playlist
// for a minute.
const RELOAD_MS = 3000;

// Plays a master playlist. `isWhole` tells whether the video is encoded completely; `onGivenUp` is called when playback
// has failed for good.
function play(video, master, isWhole, onGivenUp) {
  if (!(window.Hls && Hls.isSupported())) {
    video.src = master;
    return null;
  }
  const patience = { maxTimeToFirstByteMs: 10000, maxLoadTimeMs: 60000 };
  const retry = { maxNumRetry: 8, retryDelayMs: 500, maxRetryDelayMs: 4000 };
  const policy = { default: { ...patience, timeoutRetry: retry, errorRetry: retry } };
  // The highest level that the server encodes about as fast as it plays.
  let highestFast = Infinity;
  const hls = new Hls({
    fLoader: loader((frag, wait) => {
      if (frag.type === "main" && frag.duration > SHORT && wait > frag.duration * TOO_SLOW) {
        highestFast = Math.min(highestFast, Math.max(frag.level - 1, hls.firstLevel));
      }
    }),
    fragLoadPolicy: policy,
    manifestLoadPolicy: policy,
    playlistLoadPolicy: policy,
    capLevelToPlayerSize: false,
    // CMCD (CTA-5004) tells the server the session, the deadline and the next segment, so that it can share encoding
    // fairly between viewers and encode ahead.
    cmcd: { useHeaders: true, includeKeys: ["sid", "nor", "dl"] },
  });
  // While the video is not encoded completely, segments arrive as fast as they are encoded. Playback begins with the
  // first level, which the server encodes first, and may rise once enough is buffered.
  const limitToFirstLevel = () => {
    if (!isWhole() && hls.autoLevelEnabled && hls.firstLevel >= 0) hls.autoLevelCapping = hls.firstLevel;
  };
  hls.on(Hls.Events.MANIFEST_PARSED, limitToFirstLevel);
  hls.on(Hls.Events.FRAG_BUFFERED, () => {
    if (isWhole()) hls.autoLevelCapping = -1;
    else if (ahead(video) >= DEEP) hls.autoLevelCapping = highestFast === Infinity ? -1 : highestFast;
  });
  // This listener runs before that of hls.js: a seek into media that is not buffered begins with the first level again.
  video.addEventListener("seeking", () => {
    if (ahead(video) > 0 || isWhole() || !hls.autoLevelEnabled) return;
    limitToFirstLevel();
    if (hls.firstLevel >= 0 && hls.loadLevel > hls.firstLevel) hls.nextAutoLevel = hls.firstLevel;
  });
  // The server answers 410 when a rendition was replaced by another. Then the master playlist is loaded again, under a
  // URL that no cache has, and playback continues at the same position with the same choices.
  let list = master, isReloading = false, reloadedAt = -Infinity;
  const reloadMaster = () => {
    isReloading = true;
    setTimeout(() => {
      reloadedAt = performance.now();
      if (isOver) return;
      const { currentTime, paused, playbackRate } = video;
      const { manualLevel, audioTrack, subtitleTrack, subtitleDisplay } = hls;
      hls.detachMedia();
      hls.config.startPosition = currentTime;
      hls.once(Hls.Events.MANIFEST_PARSED, () => {
        isReloading = false;
        if (manualLevel >= 0 && manualLevel < hls.levels.length) hls.nextLevel = manualLevel;
      });
      hls.once(Hls.Events.AUDIO_TRACKS_UPDATED, () => { if (audioTrack >= 0) hls.audioTrack = audioTrack; });
      hls.once(Hls.Events.SUBTITLE_TRACKS_UPDATED, () => {
        hls.subtitleDisplay = subtitleDisplay;
        hls.subtitleTrack = subtitleTrack;
      });
      hls.once(Hls.Events.FRAG_BUFFERED, () => { hls.config.startPosition = -1; });
      list = master + "?after=" + Date.now();
      hls.loadSource(list);
      hls.attachMedia(video);
      video.playbackRate = playbackRate;
      if (!paused) video.play().catch(() => { /* The browser does not allow it; the viewer has to start it. */ });
    }, Math.max(0, reloadedAt + RELOAD_MS - performance.now()));
  };
  let errors = 0, isOver = false;
  hls.on(Hls.Events.FRAG_BUFFERED, () => { errors = 0; });
  hls.on(Hls.Events.ERROR, (_, data) => {
    if (data.response?.code === 410) {
      if (!isReloading) reloadMaster();
      return;
    }
    if (!data.fatal) return;
    if (++errors > MOST_ERRORS) {
      isOver = true;
      hls.destroy();
      onGivenUp();
    } else if (data.type === Hls.ErrorTypes.MEDIA_ERROR) hls.recoverMediaError();
    else setTimeout(() => isOver || (hls.levels.length ? hls.startLoad() : hls.loadSource(list)), 1000);
  });
  hls.loadSource(master);
  hls.attachMedia(video);
  return hls;
}

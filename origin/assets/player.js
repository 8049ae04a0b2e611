// hls.js, told that a missing segment is made while its request waits.
"use strict";

// The wait for a segment to be made is not the network's: it must not count as bandwidth, or
// the player sinks to the lowest rung. A cache's copy (Age) tells of somebody else's wait.
function discount(stats, request) {
  const header = (name) => request && request.getResponseHeader && request.getResponseHeader(name);
  if (header("age")) return;
  const made = /(?:^|,)\s*make;dur=([\d.]+)/.exec(header("server-timing") || "");
  const untilFirstByte = stats.loading.first - stats.loading.start;
  if (made && untilFirstByte > 0) stats.loading.start += Math.min(Number(made[1]), untilFirstByte);
  return made ? Number(made[1]) / 1000 : 0;
}

// `onMade` hears of fragments that were made while their request waited, and for how long.
function loader(onMade) {
  return class extends Hls.DefaultConfig.loader {
    load(context, config, callbacks) {
      const onSuccess = (response, stats, context, request) => {
        const wait = discount(stats, request);
        if (wait && context.frag) onMade(context.frag, wait);
        callbacks.onSuccess(response, stats, context, request);
      };
      super.load(context, config, { ...callbacks, onSuccess });
    }
  };
}

// Seconds buffered before quality rises where not everything is encoded.
const DEEP = 8;
// A part of a fragment's duration; making it in more leaves no room for the network. Short ones,
// with which a video begins, say more of how fast a session starts.
const TOO_SLOW = 0.7, SHORT = 2;

// Seconds that are buffered from where the video is.
function ahead(video) {
  const at = video.currentTime;
  for (let i = 0; i < video.buffered.length; i++) {
    if (video.buffered.start(i) <= at && at < video.buffered.end(i)) return video.buffered.end(i) - at;
  }
  return 0;
}

// Fatal errors in a row after which it is given up: some minutes without the server.
const MOST_TROUBLES = 10;
// Between two looks for what stands in a rendition's place: a cache in front may keep the old list for a minute.
const ANEW_MS = 3000;

// Plays a master playlist; `isWhole` says whether everything is encoded.
function play(video, master, isWhole, onGivenUp) {
  if (!(window.Hls && Hls.isSupported())) {
    video.src = master;
    return null;
  }
  const patience = { maxTimeToFirstByteMs: 10000, maxLoadTimeMs: 60000 };
  const retry = { maxNumRetry: 8, retryDelayMs: 500, maxRetryDelayMs: 4000 };
  const policy = { default: { ...patience, timeoutRetry: retry, errorRetry: retry } };
  // The highest level that is made about as fast as it plays.
  let bearable = Infinity;
  const hls = new Hls({
    fLoader: loader((frag, wait) => {
      if (frag.type === "main" && frag.duration > SHORT && wait > frag.duration * TOO_SLOW) {
        bearable = Math.min(bearable, Math.max(frag.level - 1, hls.firstLevel));
      }
    }),
    fragLoadPolicy: policy,
    manifestLoadPolicy: policy,
    playlistLoadPolicy: policy,
    capLevelToPlayerSize: false,
    // Who asks and what comes next (CTA-5004): what is made, is made in turns and ahead.
    cmcd: { useHeaders: true, includeKeys: ["sid", "nor", "dl"] },
  });
  // What is not encoded arrives as fast as it is made: first the rung that is made first, others
  // once there is something to watch meanwhile.
  const goLow = () => {
    if (!isWhole() && hls.autoLevelEnabled && hls.firstLevel >= 0) hls.autoLevelCapping = hls.firstLevel;
  };
  hls.on(Hls.Events.MANIFEST_PARSED, goLow);
  hls.on(Hls.Events.FRAG_BUFFERED, () => {
    if (isWhole()) hls.autoLevelCapping = -1;
    else if (ahead(video) >= DEEP) hls.autoLevelCapping = bearable === Infinity ? -1 : bearable;
  });
  // Before hls.js hears of a seek to where nothing is.
  video.addEventListener("seeking", () => {
    if (ahead(video) > 0 || isWhole() || !hls.autoLevelEnabled) return;
    goLow();
    if (hls.firstLevel >= 0 && hls.loadLevel > hls.firstLevel) hls.nextAutoLevel = hls.firstLevel;
  });
  // Another rendition stands in the place of one that cannot be gone on with: the master playlist of now lists it, which
  // no cache has under this name. It is played from where the viewer is, as they had chosen.
  let list = master, isLoadingAnew = false, anewAt = -Infinity;
  const loadAnew = () => {
    isLoadingAnew = true;
    setTimeout(() => {
      anewAt = performance.now();
      if (isOver) return;
      const { currentTime, paused, playbackRate } = video;
      const { manualLevel, audioTrack, subtitleTrack, subtitleDisplay } = hls;
      hls.detachMedia();
      hls.config.startPosition = currentTime;
      hls.once(Hls.Events.MANIFEST_PARSED, () => {
        isLoadingAnew = false;
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
      if (!paused) video.play().catch(() => { /* the viewer starts it */ });
    }, Math.max(0, anewAt + ANEW_MS - performance.now()));
  };
  let troubles = 0, isOver = false;
  hls.on(Hls.Events.FRAG_BUFFERED, () => { troubles = 0; });
  hls.on(Hls.Events.ERROR, (_, data) => {
    if (data.response?.code === 410) {
      if (!isLoadingAnew) loadAnew();
      return;
    }
    if (!data.fatal) return;
    if (++troubles > MOST_TROUBLES) {
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

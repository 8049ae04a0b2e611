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
}

function loader() {
  return class extends Hls.DefaultConfig.loader {
    load(context, config, callbacks) {
      const onSuccess = (response, stats, context, request) => {
        discount(stats, request);
        callbacks.onSuccess(response, stats, context, request);
      };
      super.load(context, config, { ...callbacks, onSuccess });
    }
  };
}

// Plays a master playlist; `isWhole` says whether everything is encoded.
function play(video, master, isWhole) {
  if (!(window.Hls && Hls.isSupported())) {
    video.src = master;
    return null;
  }
  const patience = { maxTimeToFirstByteMs: 10000, maxLoadTimeMs: 60000 };
  const retry = { maxNumRetry: 8, retryDelayMs: 500, maxRetryDelayMs: 4000 };
  const policy = { default: { ...patience, timeoutRetry: retry, errorRetry: retry } };
  const hls = new Hls({
    fLoader: loader(),
    fragLoadPolicy: policy,
    manifestLoadPolicy: policy,
    playlistLoadPolicy: policy,
    capLevelToPlayerSize: false,
  });
  // Before hls.js hears of it: a seek to where nothing is encoded comes back soonest in the
  // rung that is made first.
  video.addEventListener("seeking", () => {
    const at = video.currentTime;
    const held = Array.from({ length: video.buffered.length }, (_, i) => i)
      .some((i) => video.buffered.start(i) <= at && at < video.buffered.end(i));
    if (held || isWhole() || !hls.autoLevelEnabled) return;
    if (hls.firstLevel >= 0 && hls.loadLevel > hls.firstLevel) hls.nextAutoLevel = hls.firstLevel;
  });
  hls.on(Hls.Events.ERROR, (_, data) => {
    if (!data.fatal) return;
    if (data.type === Hls.ErrorTypes.MEDIA_ERROR) hls.recoverMediaError();
    else setTimeout(() => hls.startLoad(), 1000);
  });
  hls.loadSource(master);
  hls.attachMedia(video);
  return hls;
}

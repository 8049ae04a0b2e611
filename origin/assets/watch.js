// The player: waits until the video is playable, starts at once, shows how far the encode is.
const page = document.getElementById("watch");
const video = document.getElementById("video");
const state = document.getElementById("state");
const quality = document.getElementById("quality");
const id = page.dataset.video;
const master = "/v/" + id + "/master.m3u8";
let started = false;

function start() {
  if (started) return;
  started = true;
  if (window.Hls && Hls.isSupported()) {
    // A missing segment is made while the request waits, at most nine seconds.
    const patience = { maxTimeToFirstByteMs: 10000, maxLoadTimeMs: 60000 };
    const retry = { maxNumRetry: 8, retryDelayMs: 500, maxRetryDelayMs: 4000 };
    const policy = { default: { ...patience, timeoutRetry: retry, errorRetry: retry } };
    const hls = new Hls({ fragLoadPolicy: policy });
    hls.loadSource(master);
    hls.attachMedia(video);
    hls.on(Hls.Events.MANIFEST_PARSED, () => offer(hls));
    window.player = hls;
  } else {
    video.src = master;
  }
  video.play().catch(() => { /* the viewer starts it */ });
}

function offer(hls) {
  if (hls.levels.length < 2) return;
  quality.append(new Option("Auto", -1));
  hls.levels.map((level, index) => [level.height, index]).reverse()
    .forEach(([height, index]) => quality.append(new Option(height + "p", index)));
  quality.hidden = false;
  quality.onchange = () => { hls.nextLevel = Number(quality.value); };
}

function show(status) {
  const percent = status.total ? Math.floor((status.made / status.total) * 100) : 0;
  state.textContent = status.state === "playable" ? "playable, " + percent + " % encoded" : status.state;
  if (status.error) state.textContent = status.error;
  if (status.state === "playable" || status.state === "ready") start();
  return status.state === "ready" || status.state === "failed";
}

if (page.dataset.state === "playable" || page.dataset.state === "ready") start();
if (page.dataset.state !== "ready") {
  const events = new EventSource("/events?video=" + id);
  events.onmessage = (event) => { if (show(JSON.parse(event.data))) events.close(); };
}

// The keys people know, while the player has the focus.
document.querySelector(".player").addEventListener("keydown", (event) => {
  if (event.target === quality || event.ctrlKey || event.metaKey || event.altKey) return;
  const seek = (by) => { video.currentTime = Math.max(0, video.currentTime + by); };
  const keys = {
    k: () => (video.paused ? video.play() : video.pause()),
    j: () => seek(-10), l: () => seek(10),
    m: () => { video.muted = !video.muted; },
    ",": () => { video.pause(); seek(-1 / 30); }, ".": () => { video.pause(); seek(1 / 30); },
    "<": () => { video.playbackRate = Math.max(0.25, video.playbackRate - 0.25); },
    ">": () => { video.playbackRate = Math.min(2, video.playbackRate + 0.25); },
    Home: () => { video.currentTime = 0; }, End: () => { video.currentTime = video.duration; },
  };
  if (/^[0-9]$/.test(event.key)) keys[event.key] = () => { video.currentTime = (video.duration * event.key) / 10; };
  if (keys[event.key]) { event.preventDefault(); keys[event.key](); }
});

// Plays the film in one player and reports which picture was shown, and which sound was heard, at which place of the
// element's own time line: `frames` ({ time, level }) and `sound` ({ time, samples }) as detect.mjs takes them.
const v = document.getElementById("v");
/** Starts of what the browser has buffered, by kind. */
const buffers = {};
const addSourceBuffer = MediaSource.prototype.addSourceBuffer;
MediaSource.prototype.addSourceBuffer = function (type) {
  return buffers[type.split("/")[0]] = addSourceBuffer.call(this, type);
};

/** `player` is a name of players.mjs; the film is played for the seconds [from, to] of each of `parts`, without
 *  sound where `isMuted`. */
window.measure = async ({ player, url, parts, isMuted = false }) => {
  v.muted = isMuted;
  const found = { frames: [], beeps: [], clock: [] };
  try {
    await Promise.race([play(player, url, parts, found), late(parts)]);
  } catch (error) {
    // Where the first part was played, it was the seek that failed.
    if (!found.parts?.length) return { problem: String(error.message ?? error) };
  }
  const starts = Object.fromEntries(Object.entries(buffers).map(([kind, { buffered }]) => [kind, buffered.length ? buffered.start(0) : null]));
  return { first: found.first, starts, parts: found.parts };
};

async function play(player, url, parts, found) {
  const failed = new Promise((_, fail) => { window.fail = fail; });
  const tick = v.muted ? () => {} : await listen(found);
  const announced = look(found, tick);
  await script(`/player/${encodeURIComponent(player)}`);
  await script(`/load/${encodeURIComponent(player)}`);
  await Promise.race([window.load(v, url, window.fail), failed]);
  const when = (events, isSo) => Promise.race([failed, new Promise((done) => {
    const check = () => isSo() && done();
    for (const event of events) v.addEventListener(event, check);
    check();
  })]);
  await when(["loadeddata", "canplay"], () => v.readyState >= 2);
  if (!v.videoWidth) throw new Error("there are no pictures");
  // A browser announces the picture that it has just painted: where play began before, that need not be the first.
  await Promise.race([failed, announced]);
  found.parts = [];
  for (const [from, to] of parts) {
    if (from) {
      // In the middle of play: WebKitGTK sometimes hangs where it is paused.
      v.currentTime = from;
      await when(["seeked"], () => !v.seeking && v.readyState >= 2);
    }
    found.frames = [], found.beeps = [], found.clock = [];
    await v.play();
    await when(["timeupdate", "ended"], () => v.currentTime >= to || v.ended);
    found.parts.push({ frames: found.frames, beeps: found.beeps.map((at) => placeOf(at, found.clock)) });
  }
}

const late = (parts) => new Promise((_, no) => {
  const seconds = 15 + parts.reduce((sum, [from, to]) => sum + to - from, 0);
  setTimeout(() => no(new Error(`stuck at ${v.currentTime}, ready ${v.readyState}, ${v.error?.message ?? "no error"}`)), seconds * 1000);
});

const script = (src) => new Promise((done, fail) => {
  const element = Object.assign(document.createElement("script"), { src });
  element.addEventListener("load", done);
  element.addEventListener("error", () => fail(new Error(`${src} is not there`)));
  document.head.append(element);
});

/** Hands the element's sound to a listener for beeps. Returns what notes how the two clocks lie to each other. */
async function listen(found) {
  const context = new AudioContext({ sampleRate: 48000 });
  await context.audioWorklet.addModule("/page/beeps.js");
  const beeps = new AudioWorkletNode(context, "beeps");
  beeps.port.onmessage = ({ data }) => found.beeps.push(data);
  context.createMediaElementSource(v).connect(beeps).connect(context.destination);
  await context.resume();
  return () => v.paused || found.clock.push([context.currentTime, v.currentTime]);
}

/** Points of a picture whose mean is its level, across and down: a browser may take one of the picture's own for each,
 *  and the film is noisy. */
const POINTS = [16, 9];

/** Notes every picture that is shown. Returns a promise of the first. */
function look(found, tick) {
  const [width, height] = POINTS;
  const canvas = Object.assign(document.createElement("canvas"), { width, height });
  const context = canvas.getContext("2d", { willReadFrequently: true });
  const level = () => {
    context.drawImage(v, 0, 0, width, height);
    const { data } = context.getImageData(0, 0, width, height);
    let sum = 0;
    for (let at = 0; at < data.length; at += 4) sum += data[at];
    return sum / (width * height);
  };
  let seen;
  const announced = new Promise((done) => { seen = done; });
  const note = (_, { mediaTime }) => {
    seen();
    found.first ??= mediaTime;
    found.frames.push({ time: mediaTime, level: level() });
    tick();
    v.requestVideoFrameCallback(note);
  };
  v.requestVideoFrameCallback(note);
  return announced;
}

/** The place in the film at which the audio context was at `at`, by the median of what was noted around it. */
function placeOf(at, clock) {
  const near = clock.filter(([audio]) => Math.abs(audio - at) < 0.5).map(([audio, media]) => media - audio).sort((a, b) => a - b);
  return at + near[near.length >> 1];
}

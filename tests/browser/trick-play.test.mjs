// Winding and dragging: hls.js plays the I-frame playlist in an element of its own.
import { test, before, after } from "node:test";
import assert from "node:assert/strict";
import { House } from "./house.mjs";
import { PLAYERS } from "./players.mjs";

let house, id;

before(async () => {
  house = await House.open();
  id = await house.sampleVideo();
});
after(() => house.close());

/** Runs in the page: drags to each of these times and returns what it saw there. */
async function drag({ base, id, times }) {
  const hls = new Hls();
  const failed = new Promise((_, no) => hls.on(Hls.Events.ERROR, (_, e) => e.fatal && no(new Error(e.details))));
  const started = new Promise((yes) => hls.once(Hls.Events.INIT_PTS_FOUND, yes));
  hls.loadSource(`${base}/v/${id}/master.m3u8`);
  hls.attachMedia(document.getElementById("main"));
  await Promise.race([started, failed]);
  const variants = hls.iframeVariants.map(({ url, width, height, bitrate }) => ({ url: String(url), width, height, bitrate }));
  const trick = hls.createIFramePlayer();
  const wound = new Promise((_, no) => trick.on(Hls.Events.ERROR, (_, e) => e.fatal && no(new Error(e.details))));
  const v = document.getElementById("trick");
  // Asked before its media source is open, hls.js 1.7.4 loads the playlist, and then nothing more.
  const attached = new Promise((yes) => trick.once(Hls.Events.MEDIA_ATTACHED, yes));
  trick.attachMedia(v);
  await attached;
  const canvas = Object.assign(document.createElement("canvas"), { width: 32, height: 18 });
  const context = canvas.getContext("2d", { willReadFrequently: true });
  const pictures = [];
  let shown = null;
  const look = (_, { mediaTime }) => {
    shown = mediaTime;
    v.requestVideoFrameCallback(look);
  };
  v.requestVideoFrameCallback(look);
  for (const time of times) {
    // The end of a seek does not tell: the element may still show the picture of before.
    const before = shown;
    const there = new Promise((yes) => {
      const wait = () => (Math.abs(v.currentTime - time) < 0.01 && shown !== before ? yes() : setTimeout(wait, 20));
      wait();
    });
    trick.loadMediaAt(time, { seekOnAppend: true });
    await Promise.race([there, wound, failed]);
    context.drawImage(v, 0, 0, 32, 18);
    pictures.push({ from: shown, pixels: [...context.getImageData(0, 0, 32, 18).data] });
  }
  const asked = performance.getEntriesByType("resource").map(({ name }) => name);
  return { variants, pictures, width: v.videoWidth, asked: asked.filter((name) => /\/i\d+-.*m4s/.test(name)) };
}

test("hls.js winds through pictures that differ", { timeout: 60_000 }, async () => {
  const page = await house.browser.newPage();
  const problems = [];
  page.on("pageerror", (error) => problems.push(String(error)));
  await page.goto(house.base + "/livez");
  await page.setContent("<video id=main muted></video><video id=trick muted></video>");
  await page.addScriptTag({ path: PLAYERS["hls.js"].script });
  const times = [9, 1.5, 5, 0.5, 3];
  const seen = await page.evaluate(drag, { base: house.base, id, times });
  const [variant, ...others] = seen.variants;
  assert.equal(others.length, 0);
  assert.match(variant.url, /\/i240-[0-9a-z]{12}\/playlist\.m3u8$/);
  assert.deepEqual([variant.width, variant.height, variant.bitrate], [426, 240, 200_000]);
  assert.equal(seen.width, 426, "it is what is shown");
  assert.ok(seen.asked.length >= times.length, seen.asked.join());
  const apart = (a, b) => a.reduce((sum, value, at) => sum + Math.abs(value - b[at]), 0) / a.length;
  assert.deepEqual(seen.pictures.map(({ from }) => from), [8, 1, 4, 0, 2], "the first picture of each segment");
  seen.pictures.forEach(({ pixels }, n) => {
    for (const other of seen.pictures.slice(n + 1)) assert.ok(apart(pixels, other.pixels) > 1, `picture ${n} is that of another time`);
  });
  assert.deepEqual(problems, []);
  await page.close();
});

test("Shaka Player winds with the adaptation set of its own", { timeout: 60_000 }, async () => {
  const page = await house.browser.newPage();
  await page.goto(house.base + "/livez");
  await page.setContent("<video id=v muted></video>");
  await page.addScriptTag({ path: PLAYERS["Shaka Player"].script });
  const end = await page.evaluate(async ({ base, id }) => {
    const v = document.getElementById("v");
    const player = new shaka.Player();
    const fatal = new Promise((_, no) => player.addEventListener("error", (e) => no(new Error(e.detail.code))));
    await player.attach(v);
    await Promise.race([player.load(`${base}/v/${id}/manifest.mpd`), fatal]);
    await v.play();
    player.trickPlay(4);
    await Promise.race([new Promise((yes) => v.addEventListener("ended", yes, { once: true })), fatal]);
    return v.currentTime;
  }, { base: house.base, id });
  assert.ok(Math.abs(end - 12) < 0.2, String(end));
  await page.close();
});

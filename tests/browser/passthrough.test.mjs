// The source's own pictures as the top rung: players switch to it and back in the middle of play.
import { describe, test, before, after } from "node:test";
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { House } from "./house.mjs";
import { CHOICE, PLAYERS } from "./players.mjs";

const SECONDS = 24;
const WIDTH = 1280;
let house, video, top;

/** 720p with pictures that refer to later ones, and key frames after 2.5 s. They are reordered less than our encoder's. */
function source(folder) {
  const path = join(folder, "source.mp4");
  execFileSync("ffmpeg", ["-v", "error", "-f", "lavfi", "-i", `testsrc2=s=${WIDTH}x720:r=30:d=${SECONDS}`,
    "-f", "lavfi", "-i", `sine=440:d=${SECONDS}:r=48000`, "-c:v", "libx264", "-preset", "veryfast", "-bf", "3", "-g", "75",
    "-x264-params", "b-pyramid=none", "-pix_fmt", "yuv420p", "-b:v", "2M", "-maxrate", "2500k", "-bufsize", "2500k", "-c:a", "aac", "-shortest", path]);
  return path;
}

before(async () => {
  house = await House.open({ args: ["--passthrough"] });
  const path = source(house.folder);
  video = await house.upload(path);
  await house.until(video.id, ["ready"]);
  const media = `${house.base}/v/${video.id}`;
  const master = await (await fetch(`${media}/master.m3u8`)).text();
  [, top] = master.match(new RegExp(`#EXT-X-STREAM-INF:.*RESOLUTION=${WIDTH}x.*\n([^/]+)/`));
  const segment = Buffer.from(await (await fetch(`${media}/${top}/3.m4s`)).arrayBuffer());
  assert.ok(readFileSync(path).includes(segment.subarray(-200)), "its pictures are the source's");
}, { timeout: 120_000 });
after(() => house.close());

/** Runs in the page: from the lowest to the highest and back and up again, then to the end. */
const play = (load, choice) => new Function("args", `return (async ({ base, id, width }) => {
  const v = document.getElementById("v");
  let fail;
  const failed = new Promise((_, no) => { fail = no; });
  let shown = { width: 0, mediaTime: 0 };
  const look = (_, picture) => {
    shown = picture;
    v.requestVideoFrameCallback(look);
  };
  v.requestVideoFrameCallback(look);
  const isSo = (what) => Promise.race([failed, new Promise((done) => {
    const wait = () => (what() ? done() : setTimeout(wait, 20));
    wait();
  })]);
  setTimeout(() => fail(new Error("stuck at " + v.currentTime + ", " + shown.width)), 80000);
  ${load}
  ${choice}
  await isSo(() => v.readyState >= 2);
  v.play();
  for (const highest of [false, true, false, true]) {
    choose(highest);
    // What the element says of itself may be ahead of the picture.
    await isSo(() => shown.width > 0 && highest === (shown.width === width));
    const { mediaTime } = shown;
    await isSo(() => shown.mediaTime > mediaTime + 1);
  }
  await isSo(() => v.ended);
  return v.currentTime;
})(args);`);

describe("players", { concurrency: true }, () => {
  for (const [player, { script, load }] of Object.entries(PLAYERS)) {
    test(`${player} switches to the source's own pictures and back`, { timeout: 90_000 }, async () => {
      const page = await house.browser.newPage();
      const fetched = new Set();
      page.on("request", (request) => fetched.add(request.url().match(/\/([^/]+)\/\d+\.m4s/)?.[1]));
      await page.goto(house.base + "/livez");
      await page.setContent("<video id=v muted playsinline width=640></video>");
      await page.addScriptTag({ path: script });
      const end = await page.evaluate(play(load, CHOICE[player]), { base: house.base, id: video.id, width: WIDTH });
      await page.close();
      assert.ok(fetched.has(top), "the top rung was played");
      assert.ok(Math.abs(end - SECONDS) < 0.1, "it ends where it should: " + end);
    });
  }
});

/** By how many units of its track an init segment takes its pictures back: the time of its one edit. */
function delay(init) {
  const at = init.indexOf("elst");
  return at < 0 ? 0 : init.readUInt32BE(at + 16);
}

test("segments of rungs that are reordered differently lie side by side in a media source", async () => {
  const media = `${house.base}/v/${video.id}`;
  const master = await (await fetch(`${media}/master.m3u8`)).text();
  const rungs = [...master.matchAll(/#EXT-X-STREAM-INF:.*CODECS="([^,"]+).*\n([^/]+)\//g)].map(([, codec, id]) => ({ codec, id }));
  const inits = await Promise.all(rungs.map(async ({ id }) => Buffer.from(await (await fetch(`${media}/${id}/init.mp4`)).arrayBuffer())));
  assert.equal(new Set(inits.map(delay)).size, 2, "the source's and ours: " + inits.map(delay));
  const playlist = await (await fetch(`${media}/${top}/playlist.m3u8`)).text();
  const lengths = [...playlist.matchAll(/#EXTINF:([\d.]+)/g)].map(([, seconds]) => Number(seconds));
  const start = (segment) => lengths.slice(0, segment).reduce((sum, seconds) => sum + seconds, 0);
  const page = await house.browser.newPage();
  await page.goto(house.base + "/livez");
  await page.setContent("<video id=v muted></video>");
  // Each beside each, itself too.
  const pairs = rungs.flatMap((before) => rungs.map((after) => [before, after]));
  for (const pair of pairs) {
    const ranges = await page.evaluate(async ({ media, pair }) => {
      const source = new MediaSource();
      document.getElementById("v").src = URL.createObjectURL(source);
      await new Promise((done) => source.addEventListener("sourceopen", done, { once: true }));
      const buffer = source.addSourceBuffer(`video/mp4; codecs="${pair[0].codec}"`);
      for (const [at, { id, codec }] of pair.entries()) {
        buffer.changeType(`video/mp4; codecs="${codec}"`);
        for (const name of ["init.mp4", `${3 + at}.m4s`]) {
          buffer.appendBuffer(await (await fetch(`${media}/${id}/${name}`)).arrayBuffer());
          await new Promise((done, failed) => {
            buffer.addEventListener("updateend", done, { once: true });
            buffer.addEventListener("error", () => failed(new Error("not appended")), { once: true });
          });
        }
      }
      return [...Array(buffer.buffered.length).keys()].map((n) => [buffer.buffered.start(n), buffer.buffered.end(n)]);
    }, { media, pair });
    const said = `${pair.map(({ id }) => id).join(" ")}: ${JSON.stringify(ranges)}`;
    assert.equal(ranges.length, 1, said);
    assert.ok(Math.abs(ranges[0][0] - start(3)) < 0.001 && Math.abs(ranges[0][1] - start(5)) < 0.001, said);
  }
  await page.close();
});

// Kinds of sources that are not what a player expects, in three players: a phone clip that lies on its
// side, a screen recording of wandering rate, HDR, and sound alone.
import { describe, test, before, after } from "node:test";
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { renameSync } from "node:fs";
import { join } from "node:path";
import { House } from "./house.mjs";
import { PLAYED, PLAYERS } from "./players.mjs";

const PICTURE = "-f lavfi -i testsrc2=s=640x360:r=30:d=4";
const SOUND = "-f lavfi -i sine=440:d=4:r=48000";
const X264 = "-c:v libx264 -preset ultrafast -g 60";
const KINDS = {
  "rotated.mp4": { made: `${PICTURE} ${SOUND} ${X264} -c:a aac`, then: "-c copy -metadata:s:v:0 rotate=90", width: 360, height: 640 },
  "screen.mkv": { made: `${PICTURE} ${SOUND} -vf select=lt(mod(n\\,30)\\,4)+eq(mod(n\\,30)\\,17) -vsync vfr ${X264} -c:a libopus`, width: 640, height: 360 },
  "hdr10.mp4": {
    made: `${PICTURE} ${SOUND} -vf format=yuv420p10le -c:v libx265 -preset ultrafast -x265-params log-level=0:keyint=60 ` +
      "-colorspace bt2020nc -color_primaries bt2020 -color_trc smpte2084 -color_range tv -c:a aac", width: 640, height: 360 },
  "sound.m4a": {
    made: `${SOUND} -f lavfi -i testsrc2=s=600x600:d=1:r=1 -map 0 -map 1 -frames:v 1 -disposition:v:0 attached_pic ` +
      "-c:v mjpeg -c:a aac -f mp4", width: 0, height: 0 },
};
let house;
const videos = {};

before(async () => {
  house = await House.open();
  const ffmpeg = (...args) => execFileSync("ffmpeg", ["-v", "error", ...args]);
  for (const [name, { made, then }] of Object.entries(KINDS)) {
    const path = join(house.folder, name);
    ffmpeg(...made.split(" "), path);
    if (then) {
      renameSync(path, path + ".mov");
      ffmpeg("-i", path + ".mov", ...then.split(" "), path);
    }
    videos[name] = await house.upload(path);
  }
});
after(() => house.close());

/** Runs in the page: plays to the end. */
const play = (load) => new Function("args", `return (async ({ base, id }) => {
  const v = document.getElementById("v");
  let fail;
  const failed = new Promise((_, no) => { fail = no; });
  const late = new Promise((_, no) => setTimeout(() => no(new Error("stuck at " + v.currentTime)), 50000));
  const ended = ${PLAYED};
  ${load}
  v.playbackRate = 2;
  v.play();
  await Promise.race([ended, failed, late]);
  return { end: v.currentTime, width: v.videoWidth, height: v.videoHeight };
})(args);`);

describe("players", { concurrency: true }, () => {
  for (const [player, { script, load }] of Object.entries(PLAYERS)) {
    for (const [kind, { width, height }] of Object.entries(KINDS)) {
      test(`${player} plays ${kind}`, { timeout: 60_000 }, async () => {
        const page = await house.browser.newPage();
        await page.goto(house.base + "/livez");
        await page.setContent("<video id=v muted playsinline width=640></video>");
        await page.addScriptTag({ path: script });
        const seen = await page.evaluate(play(load), { base: house.base, id: videos[kind].id });
        await page.close();
        assert.ok(Math.abs(seen.end - 4) < 0.2, "it ends where it should: " + seen.end);
        // Whatever the rung, it stands as it should.
        assert.ok(height === 0 ? seen.width === 0 : Math.abs(seen.width / seen.height - width / height) < 0.02, JSON.stringify(seen));
      });
    }
  }
});

test("our pages play sound alone, and show its cover", { timeout: 60_000 }, async () => {
  const { id } = videos["sound.m4a"];
  const context = await house.browser.newContext({ viewport: { width: 390, height: 844 } });
  const page = await context.newPage();
  const shot = async (name) => process.env.SCREENSHOTS && page.screenshot({ path: `${process.env.SCREENSHOTS}/${name}.png` });
  await house.until(id, ["ready"]);
  await page.goto(house.wayIn());
  await page.click("main button");
  await page.waitForFunction((id) => document.querySelector(`.frame img[src*="${id}"]`)?.naturalWidth > 0, id);
  await shot("cover-list");
  await page.goto(`${house.base}/watch/${id}`);
  await page.waitForFunction(() => document.getElementById("video").currentTime > 1, null, { timeout: 30_000 });
  const cover = await page.evaluate(async () => {
    const image = new Image();
    image.src = document.getElementById("video").poster;
    await image.decode();
    return [image.naturalWidth, image.naturalHeight];
  });
  assert.deepEqual(cover, [600, 600]);
  await shot("sound-phone");
  await context.close();
});

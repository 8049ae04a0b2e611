// The last minute of twelve hours of film: every player finds it, and it is where it belongs.
import { describe, test, before, after } from "node:test";
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { House } from "./house.mjs";
import { PLAYERS } from "./players.mjs";

/** A minute, in whole pictures of 24000/1001; so many in the dark, before one with flashes. */
const MINUTE = 60.06;
const DARK_MINUTES = 718;
/** A flash starts at 11:59:05.6, after five seconds of darkness. */
const FLASH = DARK_MINUTES * MINUTE + 4.5 * 5.005;
const LENGTH = (DARK_MINUTES + 1) * MINUTE;

let house, video;

before(async () => {
  house = await House.open();
  video = await house.upload(twelveHours(house.folder));
});
after(() => house.close());

/** Nothing is coded but two minutes: the rest is copies of the dark one. */
function twelveHours(folder) {
  const ffmpeg = (...args) => execFileSync("ffmpeg", ["-v", "error", ...args], { cwd: folder });
  const copied = ["-c", "copy", "-strict", "experimental"];
  const minute = (light, name) => ffmpeg("-f", "lavfi", "-i", `color=black:s=64x36:r=24000/1001:d=${MINUTE}${light},format=gray`,
    "-f", "lavfi", "-i", `aevalsrc=0:s=8000:d=${MINUTE}`, "-pix_fmt", "yuv420p", "-c:v", "libx264", "-preset", "veryfast",
    "-bf", "2", "-g", "120", "-c:a", "flac", "-frame_size", "4608", "-strict", "experimental", name);
  minute("", "dark.mp4");
  minute(",drawbox=c=white:t=fill:enable=between(mod(n\\,120)\\,60\\,65)", "flashes.mp4");
  ffmpeg("-stream_loop", String(DARK_MINUTES - 1), "-i", "dark.mp4", ...copied, "night.mp4");
  writeFileSync(join(folder, "list.txt"), "file night.mp4\nfile flashes.mp4\n");
  ffmpeg("-f", "concat", "-i", "list.txt", ...copied, "long.mp4");
  return join(folder, "long.mp4");
}

describe("players", { concurrency: true }, () => {
  for (const [name, { script, load }] of Object.entries(PLAYERS)) {
    test(`${name} finds the flash at 11:59:05`, { timeout: 90_000 }, async () => {
      const page = await house.browser.newPage();
      await page.goto(house.base + "/livez");
      await page.setContent("<video id=v muted playsinline width=640></video>");
      await page.addScriptTag({ path: script });
      const seen = await page.evaluate(new Function("args", `return new Promise(async (done, fail) => {
        const { base, id, flash } = args;
        const v = document.getElementById("v");
        const context = Object.assign(document.createElement("canvas"), { width: 1, height: 1 }).getContext("2d", { willReadFrequently: true });
        v.addEventListener("playing", () => { v.currentTime = flash - 1; }, { once: true });
        const look = (_, { mediaTime }) => {
          context.drawImage(v, 0, 0, 1, 1);
          const [level] = context.getImageData(0, 0, 1, 1).data;
          if (level > 128) return done({ mediaTime, duration: v.duration });
          if (mediaTime > flash + 1) return fail(new Error("no flash before " + mediaTime));
          v.requestVideoFrameCallback(look);
        };
        v.requestVideoFrameCallback(look);
        ${load}
        v.play();
      })`), { base: house.base, id: video.id, flash: FLASH });
      await page.close();
      assert.ok(Math.abs(seen.duration - LENGTH) < 0.1, `it lasts ${seen.duration}`);
      // A picture that is dropped under load is the one later.
      const late = seen.mediaTime - FLASH;
      assert.ok(late > -0.01 && late < 3 / 24, `the flash comes ${late} s late`);
      console.log(`${name}: the first picture of the flash is ${(late * 1000).toFixed(1)} ms after ${FLASH.toFixed(4)} s`);
    });
  }
});

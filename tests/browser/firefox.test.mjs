// Players and our page in Firefox.
import { describe, test, before, after } from "node:test";
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { openFirefox } from "./firefox.mjs";
import { House } from "./house.mjs";
import { CHOICE, PLAYERS } from "./players.mjs";

const SECONDS = 12;
let house, id, firefox;
/** Widths of the lowest and the highest rung. */
let lowest, highest;

before(async () => {
  house = await House.open({ browser: false });
  id = await house.sampleVideo();
  await house.until(id, ["ready"]);
  const master = await (await fetch(`${house.base}/v/${id}/master.m3u8`)).text();
  const widths = [...master.matchAll(/#EXT-X-STREAM-INF.*RESOLUTION=(\d+)x/g)].map(([, width]) => Number(width));
  [lowest, highest] = [Math.min(...widths), Math.max(...widths)];
  assert.ok(lowest < highest, master);
  firefox = await openFirefox();
}, { timeout: 120_000 });
after(async () => {
  await firefox?.close();
  await house.close();
});

/** Runs in the page: start, the lowest rung, the highest rung, a seek, the end. */
const play = (load, choice) => `(async ({ base, id, lowest, highest }) => {
  const v = document.getElementById("v");
  let fail;
  const failed = new Promise((_, no) => { fail = no; });
  setTimeout(() => fail(new Error("stuck at " + v.currentTime + ", ready " + v.readyState + ", " + width + " wide after " + widths)), 45000);
  let width = 0;
  const widths = [];
  // What Firefox says of a picture is how large it is shown.
  const look = () => {
    width = v.videoWidth;
    v.requestVideoFrameCallback(look);
  };
  v.requestVideoFrameCallback(look);
  const isSo = (what) => Promise.race([failed, new Promise((done) => {
    const wait = () => (what() ? done() : requestAnimationFrame(wait));
    wait();
  })]);
  ${load}
  ${choice}
  await isSo(() => v.readyState >= 2);
  const first = v.buffered.start(0);
  v.play();
  await isSo(() => v.currentTime > 0.5);
  for (const wanted of [lowest, highest]) {
    choose(wanted === highest);
    await isSo(() => width === wanted);
    widths.push(width);
  }
  v.currentTime = 8;
  await isSo(() => !v.seeking && v.currentTime >= 8);
  // dash.js does not always say the end.
  await isSo(() => v.ended || v.duration - v.currentTime < 0.001);
  return { first, widths, end: v.currentTime, duration: v.duration };
})`;

describe("players", () => {
  for (const [player, { script, load }] of Object.entries(PLAYERS)) {
    test(`${player} starts, switches, seeks and ends`, { timeout: 70_000 }, async () => {
      const page = await firefox.newPage();
      const problems = [];
      page.on("pageerror", (error) => problems.push(String(error)));
      await page.goto(house.base + "/livez");
      await page.setContent("<video id=v muted playsinline width=640></video>");
      await page.addScriptTag({ path: script });
      const argument = JSON.stringify({ base: house.base, id, lowest, highest });
      const seen = await page.evaluate(`${play(load, CHOICE[player])}(${argument})`);
      await page.close();
      assert.deepEqual(problems, []);
      assert.ok(Math.abs(seen.first) < 0.001, "picture and sound start at 0: " + seen.first);
      assert.deepEqual(seen.widths, [lowest, highest]);
      assert.ok(Math.abs(seen.end - SECONDS) < 0.1, "it ends where it should: " + seen.end);
      assert.ok(Math.abs(seen.duration - SECONDS) < 0.1, "it says how long it is: " + seen.duration);
    });
  }
});

test("our page plays and offers its rungs", { timeout: 40_000 }, async () => {
  const page = await firefox.newPage();
  await page.setViewport({ width: 390, height: 844 });
  const problems = [];
  page.on("pageerror", (error) => problems.push(String(error)));
  await page.goto(`${house.base}/watch/${id}`);
  await page.waitForFunction(() => document.getElementById("video").currentTime > 1, { timeout: 30_000 });
  const menu = await page.$$eval("#quality option", (options) => options.map((option) => option.textContent));
  if (process.env.SCREENSHOTS) writeFileSync(process.env.SCREENSHOTS + "/watch-firefox.png", await page.screenshot());
  await page.close();
  assert.deepEqual(problems, []);
  assert.ok(menu.length >= 4, "all rungs are in the menu: " + menu);
});

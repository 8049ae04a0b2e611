// HEVC and AV1 with Opus, asked for by the owner: three players choose AV1 and pass HEVC by, which this
// browser has no decoder for; so does our page.
import { describe, test, before, after } from "node:test";
import assert from "node:assert/strict";
import { House, sample } from "./house.mjs";
import { PLAYED, PLAYERS } from "./players.mjs";

const SECONDS = 8;
let house, video, codecOf;

before(async () => {
  // A rung that saves little would be left out of every codec.
  house = await House.open({ args: ["--per-title=false"] });
  video = await house.upload(sample(house.folder, "sample.mp4", SECONDS, "640x360"));
  await house.until(video.id, ["ready"]);
}, { timeout: 120_000 });
after(() => house.close());

test("an owner asks for codecs on the page, and they come to be listed", { timeout: 300_000 }, async () => {
  const page = await (await house.browser.newContext({ viewport: { width: 390, height: 844 } })).newPage();
  const shot = async (name) => process.env.SCREENSHOTS && page.screenshot({ path: `${process.env.SCREENSHOTS}/${name}.png`, fullPage: true });
  await page.goto(house.wayIn());
  await page.click("main button");
  await page.goto(`${house.base}/watch/${video.id}`);
  await page.click("#codecs button[aria-label='Encode: AV1 and Opus']");
  await page.waitForURL(/#codecs$/);
  await page.waitForFunction(() => /% encoded/.test(document.getElementById("codecs").textContent));
  await shot("codecs-phone");
  await page.setViewportSize({ width: 1280, height: 900 });
  await shot("codecs-wide");
  const asked = await house.api(`/api/v1/videos/${video.id}/codecs/hevc`, { method: "PUT" });
  assert.equal(asked.status, 202, await asked.text());
  const states = async () => {
    const { codecs } = await (await house.api(`/api/v1/videos/${video.id}/codecs`)).json();
    return codecs.map(({ state }) => state).join();
  };
  while (await states() !== "listed,listed") await new Promise((done) => setTimeout(done, 500));
  await page.reload();
  assert.match(await page.textContent("#codecs"), /AV1 and Opus\s+players can choose it/);
  await page.context().close();
  const master = await (await fetch(`${house.base}/v/${video.id}/master.m3u8`)).text();
  codecOf = new Map();
  for (const [, codecs, id] of master.matchAll(/CODECS="([^"]+)".*\n([^/]+)\//g)) codecOf.set(id, codecs.slice(0, 4));
  for (const [, group, id] of master.matchAll(/GROUP-ID="([^"]+)".*URI="([^/]+)\//g)) codecOf.set(id, group === "stereo-opus" ? "opus" : "mp4a");
  assert.deepEqual([...new Set(codecOf.values())].sort(), ["av01", "avc1", "hvc1", "mp4a", "opus"]);
  // The start rung stays first.
  assert.match(master.match(/#EXT-X-STREAM-INF.*/)[0], /avc1/);
});

/** Runs in the page: plays to the end. */
const play = (load) => new Function("args", `return (async ({ base, id }) => {
  const v = document.getElementById("v");
  let fail;
  const failed = new Promise((_, no) => { fail = no; });
  const late = new Promise((_, no) => setTimeout(() => no(new Error("stuck at " + v.currentTime)), 50000));
  const ended = ${PLAYED};
  ${load}
  v.play();
  await Promise.race([ended, failed, late]);
  return { end: v.currentTime };
})(args);`);

// Shaka takes AAC with AV1 where a manifest, as DASH does, leaves it the choice.
const shaka = PLAYERS["Shaka Player"];
const CASES = [
  ...Object.entries(PLAYERS).map(([player, how]) => [player, how, how === shaka ? ["av01", "mp4a"] : ["av01", "opus"]]),
  ["Shaka Player (HLS)", { ...shaka, load: shaka.load.replace("manifest.mpd", "master.m3u8") }, ["av01", "opus"]],
];

describe("players", { concurrency: true }, () => {
  for (const [player, { script, load }, chosen] of CASES) {
    test(`${player} plays ${chosen.join(" and ")}`, { timeout: 60_000 }, async () => {
      const page = await house.browser.newPage();
      const fetched = new Set();
      page.on("request", (request) => {
        const [, id] = request.url().match(/\/([^/]+)\/\d+\.m4s/) ?? [];
        if (id) fetched.add(codecOf.get(id));
      });
      await page.goto(house.base + "/livez");
      await page.setContent("<video id=v muted playsinline width=640></video>");
      await page.addScriptTag({ path: script });
      const seen = await page.evaluate(play(load), { base: house.base, id: video.id });
      await page.close();
      assert.ok(Math.abs(seen.end - SECONDS) < 0.2, "it ends where it should: " + seen.end);
      assert.deepEqual([...fetched].sort(), chosen);
    });
  }
});

test("our page plays AV1, and its menu has each rung once", { timeout: 60_000 }, async () => {
  const page = await house.browser.newPage();
  const fetched = new Set();
  page.on("request", (request) => {
    const [, id] = request.url().match(/\/([^/]+)\/\d+\.m4s/) ?? [];
    if (id) fetched.add(codecOf.get(id));
  });
  await page.goto(`${house.base}/watch/${video.id}`);
  await page.waitForFunction(() => document.getElementById("video").currentTime > 3, null, { timeout: 30_000 });
  const menu = await page.$$eval("#quality option", (options) => options.map((option) => option.textContent));
  assert.equal(new Set(menu).size, menu.length, menu.join());
  assert.equal(menu.length, 3, menu.join());
  assert.deepEqual([...fetched].sort(), ["av01", "opus"]);
  await page.close();
});

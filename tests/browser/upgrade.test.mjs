// A data folder that the version before this generation of media has left: one video is ready, the other was being encoded
// when that version was killed. `generation-7.tar.gz` holds it (`data`), and the master playlist of each as players had it.
import { test, before, after } from "node:test";
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { House } from "./house.mjs";

const READY = "video_01m8mgdpf3e8y9ycgnvwe2m382", BEGUN = "video_01m8mgdrxsfb79nyqe1cj57kxx";
/** Longer than any player may stand still. */
const MOST_STILL_S = 5;
let house;

before(async () => {
  house = await House.open({ from: new URL("generation-7.tar.gz", import.meta.url).pathname });
});
after(() => house.close());

/** Opens our page as somebody has it open who came before the upgrade: with the master playlist of then. */
async function open(id, master) {
  const page = await house.browser.newPage();
  const [problems, gone] = [[], []];
  page.on("pageerror", (error) => problems.push(String(error)));
  page.on("response", (response) => response.status() === 410 && gone.push(response.url()));
  const body = readFileSync(join(house.folder, master), "utf8");
  const contentType = "application/vnd.apple.mpegurl";
  // What the page asks for later has a query, and is the server's.
  await page.route(`**/v/${id}/master.m3u8`, (route) => route.fulfill({ body, contentType }));
  await page.goto(`${house.base}/watch/${id}`);
  await page.evaluate(() => {
    const video = document.getElementById("video");
    const seen = window.seen = { still_s: 0, jump_s: 0 };
    let [at, since] = [0, performance.now()];
    const look = () => {
      const [now, to] = [performance.now(), video.currentTime];
      // Loaded anew, the element is at 0 until it is where it was.
      if (to !== at && !(to === 0 && at > 0)) {
        seen.still_s = Math.max(seen.still_s, (now - since) / 1000);
        seen.jump_s = Math.max(seen.jump_s, Math.abs(to - at) - (now - since) / 1000);
        [at, since] = [to, now];
      }
      if (!video.ended) requestAnimationFrame(look);
    };
    look();
  });
  return { page, problems, gone };
}

const played = (page, seconds) =>
  page.waitForFunction((to) => document.getElementById("video").currentTime >= to, seconds, { timeout: 60_000 });

test("who watches what was being encoded goes on at the same place", { timeout: 90_000 }, async () => {
  const { page, problems, gone } = await open(BEGUN, "begun.m3u8");
  await played(page, 18);
  const { still_s, jump_s } = await page.evaluate(() => window.seen);
  assert.deepEqual(problems, []);
  assert.ok(gone.length > 0, "it came to what is not made and will not be");
  assert.ok(still_s < MOST_STILL_S, `it stood still for ${still_s} s`);
  assert.ok(jump_s < 0.5, `it went on ${jump_s} s from where it was`);
  await page.close();
});

test("what was being encoded becomes ready, and who watches what was ready plays on while it is made again", { timeout: 120_000 }, async () => {
  await house.until(BEGUN, ["ready"]);
  const { page, problems, gone } = await open(READY, "ready.m3u8");
  await played(page, 1);
  const token = join(house.data, "admin-token");
  const remake = (...args) => {
    const all = ["remake", "--all", "--server", house.base, "--token-file", token, ...args];
    return execFileSync(process.env.REELMILL || join(import.meta.dirname, "../../target/debug/reelmill"), all, { encoding: "utf8" });
  };
  // It says what that takes, and does not do it unless told so.
  assert.match(remake(), new RegExp(`^${READY}\\tabout \\d+ kB$`, "m"));
  const state = async (id) => (await (await house.api(`/api/v1/videos/${id}/remake`)).json()).state;
  assert.equal(await state(READY), "older");
  const listed = async () => (await (await fetch(`${house.base}/v/${READY}/master.m3u8`)).text()).match(/[a-z]\d+-\w{12}/g);
  const before = await listed();
  remake("--yes");
  while ((await state(READY)) !== "current") assert.equal((await house.api(`/api/v1/videos/${READY}`)).status, 200);
  const now = await listed();
  assert.ok(before.length > 0 && now.length === before.length && !now.some((id) => before.includes(id)), `${before} ${now}`);
  await page.waitForFunction(() => document.getElementById("video").ended, null, { timeout: 30_000 });
  assert.deepEqual([problems, gone], [[], []]);
  await page.close();
});

test("no rendition has segments of two generations", () => {
  const videos = join(house.data, "objects/videos");
  const generations = new Set();
  for (const video of [READY, BEGUN]) {
    for (const rendition of readdirSync(join(videos, video, "m"))) {
      if (!/^[vi]/.test(rendition)) continue;
      const folder = join(videos, video, "m", rendition);
      const { "init.mp4": init, ...segments } = Object.fromEntries(readdirSync(folder).map((name) => [name, readFileSync(join(folder, name))]));
      const brand = init.toString("latin1", 8, 12);
      generations.add(brand);
      // Composition offsets are signed in version 1, and the brand is that of media which has those.
      const version = brand === "cmf2" ? 1 : 0;
      for (const [name, bytes] of Object.entries(segments)) {
        assert.equal(bytes[bytes.indexOf("trun") + 4], version, `${video} ${rendition} ${name}`);
      }
    }
  }
  assert.deepEqual([...generations].sort(), ["cmf2", "cmfc"]);
});

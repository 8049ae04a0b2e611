// Real players in a real Chromium play what a real upload became.
import { describe, test, before, after } from "node:test";
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { House, sample } from "./house.mjs";

const require = createRequire(import.meta.url);
let house, video;

before(async () => {
  house = await House.open();
  video = await house.upload(sample(house.folder));
});
after(() => house.close());

/** A page that holds one player; returns what it saw when playback came to the end. */
async function play(script, setup) {
  const page = await house.browser.newPage();
  const problems = [];
  page.on("pageerror", (error) => problems.push(String(error)));
  await page.goto(house.base + "/livez");
  await page.setContent("<video id=v muted playsinline width=640></video>");
  await page.addScriptTag({ path: script });
  const seen = await page.evaluate(setup, { base: house.base, id: video.id });
  await page.close();
  return { ...seen, problems };
}

/** Runs in the page: plays from start to end with one seek, and reports. */
const WATCH = `
  window.watch = async (fatal) => {
    const v = document.getElementById("v");
    const state = () => JSON.stringify({ at: v.currentTime, paused: v.paused, ready: v.readyState, seeking: v.seeking,
      ended: v.ended, buffered: [...Array(v.buffered.length).keys()].map((i) => [v.buffered.start(i), v.buffered.end(i)]) });
    const late = new Promise((_, no) => setTimeout(() => no(new Error("stuck: " + state())), 60000));
    fatal = Promise.race([fatal, late]);
    v.playbackRate = 2;
    // By what is so, not by an event: under load dash.js has ended without one that we saw.
    const until = (isSo) => new Promise((done) => {
      const look = () => { if (isSo()) done(); };
      for (const name of ["seeked", "timeupdate", "pause", "ended"]) v.addEventListener(name, look);
      look();
    });
    // Not sooner: a seek into a player that is still starting is another matter.
    await Promise.race([new Promise((done) => v.addEventListener("playing", done, { once: true })), fatal]);
    const first = v.buffered.length ? v.buffered.start(0) : -1;
    v.currentTime = 8;
    await Promise.race([until(() => !v.seeking && v.currentTime >= 8), fatal]);
    await Promise.race([until(() => v.ended), fatal]);
    return { first, end: v.currentTime, duration: v.duration, width: v.videoWidth };
  };`;

function right(seen) {
  assert.deepEqual(seen.problems, []);
  assert.ok(Math.abs(seen.first) < 0.001, "picture and sound start at 0: " + seen.first);
  assert.ok(Math.abs(seen.end - 12) < 0.1, "it ends where it should: " + seen.end);
  assert.ok(Math.abs(seen.duration - 12) < 0.1);
  assert.ok(seen.width > 0);
}

test("our page plays while most of it is not encoded", async () => {
  const page = await house.browser.newPage({ viewport: { width: 390, height: 844 } });
  const problems = [];
  page.on("pageerror", (error) => problems.push(String(error)));
  await page.goto(`${house.base}/watch/${video.id}`);
  await page.waitForFunction(() => document.getElementById("video").currentTime > 1, null, { timeout: 30000 });
  if (process.env.SCREENSHOTS) await page.screenshot({ path: process.env.SCREENSHOTS + "/watch-phone.png" });
  assert.deepEqual(problems, []);
  await page.close();
});

describe("players", { concurrency: true }, () => {
  test("hls.js plays start to end", async () => {
    const script = new URL("../../origin/assets/vendor/hls-1.7.4.min.js", import.meta.url).pathname;
    right(await play(script, new Function("args", `${WATCH} return (async ({ base, id }) => {
      const hls = new Hls();
      const fatal = new Promise((_, no) => hls.on(Hls.Events.ERROR, (_, e) => e.fatal && no(new Error(e.details))));
      hls.loadSource(base + "/v/" + id + "/master.m3u8");
      hls.attachMedia(document.getElementById("v"));
      document.getElementById("v").play();
      return window.watch(fatal);
    })(args);`)));
  });

  test("Shaka Player plays start to end", async () => {
    const script = require.resolve("shaka-player/dist/shaka-player.compiled.js");
    right(await play(script, new Function("args", `${WATCH} return (async ({ base, id }) => {
      shaka.polyfill.installAll();
      const player = new shaka.Player();
      // Else a seek in the moment of a switch ends its request for the init segment, and Shaka 5.2
      // never makes another, since it keeps the ended one (shaka-player issue 10569).
      player.configure("streaming.segmentPrefetchLimit", 0);
      await player.attach(document.getElementById("v"));
      const fatal = new Promise((_, no) => player.addEventListener("error", (e) => no(new Error(e.detail.code))));
      await player.load(base + "/v/" + id + "/manifest.mpd");
      document.getElementById("v").play();
      return window.watch(fatal);
    })(args);`)));
  });

  test("dash.js plays start to end", async () => {
    const script = new URL("node_modules/dashjs/dist/modern/umd/dash.all.min.js", import.meta.url).pathname;
    right(await play(script, new Function("args", `${WATCH} return (async ({ base, id }) => {
      const player = dashjs.MediaPlayer().create();
      const fatal = new Promise((_, no) => player.on("error", (e) => no(new Error(e.error.message))));
      player.initialize(document.getElementById("v"), base + "/v/" + id + "/manifest.mpd", true);
      return window.watch(fatal);
    })(args);`)));
  });
});

test("a file that is chosen on the page is uploaded and plays", { timeout: 60_000 }, async () => {
  const page = await house.browser.newPage({ viewport: { width: 390, height: 844 } });
  const [problems, puts] = [[], []];
  page.on("pageerror", (error) => problems.push(String(error)));
  page.on("console", (line) => /Content Security|CORS/.test(line.text()) && problems.push(line.text()));
  page.on("request", (request) => request.method() === "PUT" && puts.push(new URL(request.url()).origin));
  await page.goto(house.wayIn());
  await page.click("main button");
  // Two blocks and a bit.
  await page.setInputFiles("#file", sample(house.folder, "large.mp4", 6, "1920x1080"));
  await page.waitForURL(/\/watch\/video_/, { timeout: 40_000 }).catch(async (error) => {
    throw new Error([error.message, page.url(), await page.innerText("body"), ...problems, ...puts].join("\n"));
  });
  await page.waitForFunction(() => document.getElementById("video").currentTime > 1, null, { timeout: 30_000 });
  assert.deepEqual(problems, []);
  // Past the origin where there is a bucket, into it where there is none.
  assert.equal(puts.length > 1 && puts.every((to) => to !== house.base), Boolean(house.cluster), puts.join());
  await page.close();
});

test("a file that is chosen before the script has come is uploaded", { timeout: 60_000 }, async () => {
  const page = await house.browser.newPage();
  let come;
  const asked = new Promise((yes) => page.route("**/upload*.js", (route) => { come = () => route.continue(); yes(); }));
  await page.goto(house.wayIn());
  await page.click("main button", { noWaitAfter: true });
  await asked;
  await page.setInputFiles("#file", sample(house.folder));
  come();
  await page.waitForURL(/\/watch\/video_/, { timeout: 40_000 });
  await page.close();
});

test("a stranger sees a way in, and whoever has the code gets in once", async () => {
  const page = await house.browser.newPage();
  await page.goto(house.base + "/");
  assert.match(await page.textContent("main"), /Sign in/);
  const refused = await fetch(house.base + "/api/v1/videos");
  assert.equal(refused.status, 401);
  assert.equal((await refused.json()).code, "unauthorized");
  await page.close();
});

test("manifests and segments are read by parsers of others", async () => {
  await house.until(video.id, ["ready"]);
  const HLS = require("hls-parser");
  const { parse } = require("mpd-parser");
  const base = `${house.base}/v/${video.id}/`;
  const text = async (path) => (await fetch(base + path)).text();
  const master = HLS.parse(await text("master.m3u8"));
  assert.ok(master.isMasterPlaylist && master.variants.length >= 3);
  assert.ok(master.variants.every((v) => v.averageBandwidth > 0 && v.averageBandwidth <= v.bandwidth));
  const media = HLS.parse(await text(master.variants[0].uri));
  const sum = media.segments.reduce((total, segment) => total + segment.duration, 0);
  assert.ok(Math.abs(sum - 12) < 0.001, "EXTINF adds up: " + sum);
  const mpd = parse(await text("manifest.mpd"), { manifestUri: base });
  assert.equal(mpd.playlists.length, master.variants.length);
  assert.equal(mpd.playlists[0].segments.length, media.segments.length);
});

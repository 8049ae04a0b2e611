// Cold seeks: 30 seeded seeks into a long source of which nothing is encoded, in each of three
// players, and 200 clients at one cold segment. `seeks.mjs FILE|"" start|480|720`: each player is
// held at the rung that it starts with (hls.js: 480p, the first listed; Shaka and dash.js: 360p,
// the highest under 1 Mbit/s), or all are at the one named. Our page goes to 480p on a seek into
// unmade media by itself. `PLAYERS=Shaka` asks one alone.
import { createRequire } from "node:module";
import { House, long, percentile } from "./tools.mjs";

const require = createRequire(new URL("../tests/browser/package.json", import.meta.url));
const SEEKS = 30, CLIENTS = 200;
const rung = process.argv[3] || "start";
const height = rung === "start" ? 360 : Number(rung);
const house = await House.open({ env: { RUST_LOG: "info,pipeline=debug" } });
const file = process.argv[2] || long(house.folder);

// Runs in the page: seeks, and reports how long each took to its first picture.
const SEEK = `
  window.seekAll = async (targets, fatal) => {
    const v = document.getElementById("v");
    const frame = () => new Promise((done) => v.requestVideoFrameCallback((_, meta) => done(meta.mediaTime)));
    v.muted = true;
    v.play().catch(() => {});
    await Promise.race([frame(), fatal]);
    const times = [];
    for (const target of targets) {
      const began = performance.now();
      v.currentTime = target;
      // A picture of before the seek may still be on its way; on a busy machine not every one after
      // it is shown.
      let at = -1;
      const late = new Promise((_, no) => setTimeout(() => no(new Error("stuck at " + target + ": " + v.readyState)), 30000));
      while (v.seeking || Math.abs(at - v.currentTime) > 2) at = await Promise.race([frame(), fatal, late]);
      times.push((performance.now() - began) / 1000);
    }
    return times;
  };`;

const players = {
  "our page": async (page, id, targets) => {
    await page.goto(house.base + "/watch/" + id);
    await page.evaluate(new Function(SEEK.replace('getElementById("v")', 'getElementById("video")')));
    if (rung === "720") {
      await page.waitForFunction(() => window.player?.levels.length);
      await page.evaluate(() => {
        window.player.currentLevel = window.player.levels.findIndex((level) => Math.min(level.width, level.height) === 720);
      });
    }
    return page.evaluate((targets) => window.seekAll(targets, new Promise((_, no) =>
      window.player.on(Hls.Events.ERROR, (_, e) => e.fatal && no(new Error(e.details))))), targets);
  },
  Shaka: async (page, id, targets) => {
    await bare(page, require.resolve("shaka-player/dist/shaka-player.compiled.js"));
    return page.evaluate(async ({ source, targets, height }) => {
      shaka.polyfill.installAll();
      const player = new shaka.Player();
      await player.attach(document.getElementById("v"));
      player.configure({ abr: { enabled: false } });
      const fatal = new Promise((_, no) => player.addEventListener("error", (e) => e.detail.severity === 2 && no(new Error("shaka " + e.detail.code))));
      await player.load(source);
      player.selectVariantTrack(player.getVariantTracks().find((track) => track.height === height), true);
      return window.seekAll(targets, fatal);
    }, { source: `${house.base}/v/${id}/manifest.mpd`, targets, height });
  },
  "dash.js": async (page, id, targets) => {
    await bare(page, new URL("../tests/browser/node_modules/dashjs/dist/modern/umd/dash.all.min.js", import.meta.url).pathname);
    return page.evaluate(async ({ source, targets, height }) => {
      const player = dashjs.MediaPlayer().create();
      const fatal = new Promise((_, no) => player.on("error", (e) => no(new Error(e.error.message))));
      player.updateSettings({ streaming: { abr: { autoSwitchBitrate: { video: false } } } });
      player.initialize(document.getElementById("v"), source, false);
      await new Promise((done) => player.on("streamInitialized", done));
      player.setRepresentationForTypeByIndex("video", player.getRepresentationsByType("video").findIndex((r) => r.height === height));
      return window.seekAll(targets, fatal);
    }, { source: `${house.base}/v/${id}/manifest.mpd`, targets, height });
  },
};

async function bare(page, script) {
  await page.goto(house.base + "/livez");
  await page.setContent("<video id=v muted playsinline width=640></video>");
  await page.addScriptTag({ path: script });
  await page.evaluate(new Function(SEEK));
}

/** Whole seconds, the same in every run. */
function seeded(seed, count, duration) {
  const targets = [];
  for (let state = seed; targets.length < count;) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    targets.push(20 + Math.floor((state / 2 ** 32) * (duration - 40)));
  }
  return targets;
}

const { PLAYERS } = process.env;
for (const [name, seek] of Object.entries(players).filter(([name]) => !PLAYERS || name === PLAYERS)) {
  const { id } = await house.upload(file);
  const { duration_s } = await house.playable(id);
  const page = await house.browser.newPage();
  const times = await seek(page, id, seeded(7, SEEKS, duration_s));
  await page.close();
  console.log(`cold seeks, ${name}, ${rung === "start" ? "start rungs" : rung + "p"}: p50 ${percentile(times, 50)} s, p95 ${percentile(times, 95)} s, ` +
    `most ${percentile(times, 100)} s of ${SEEKS}; segments encoded twice: ${house.twice(id)}`);
  if (name === "dash.js" && rung === "start") {
    const { rendition, index } = await house.unmade(id, 480);
    const url = `${house.base}/v/${id}/${rendition}/${index}.m4s`;
    const answers = await Promise.all(Array.from({ length: CLIENTS }, () => fetch(url).then(async (r) => [r.status, (await r.arrayBuffer()).byteLength])));
    const alike = answers.every(([status, size]) => status === 200 && size === answers[0][1]);
    console.log(`${CLIENTS} clients at one cold segment: ${alike ? "all served alike" : "NOT all served"}, encodes: ${house.made(id).get(rendition + " " + index)}`);
  }
  await house.api("/api/v1/videos/" + id, { method: "DELETE" });
}
await house.close();

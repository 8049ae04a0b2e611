// What a version costs beside the one before: encode time, bytes, the start of play and a cold seek, alternately.
// `versions.mjs BEFORE AFTER [FILE]`: each a folder with the programs `reelmill` and `reelmill-engine`, built alike.
// `ENCODES` and `STARTS` say how often.
import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { everyday } from "./tools.mjs";

const [before, after, named] = process.argv.slice(2);
if (!after) throw new Error("usage: versions.mjs BEFORE AFTER [FILE]");
const [ENCODES, STARTS] = [Number(process.env.ENCODES ?? 3), Number(process.env.STARTS ?? 7)];
const folder = mkdtempSync(join(tmpdir(), "reelmill-versions-"));
const file = named ?? everyday(folder);
const seconds = (began) => (performance.now() - began) / 1000;
const median = (list) => list.toSorted((a, b) => a - b)[Math.floor(list.length / 2)];

/** Processor and wall seconds of the static presentation, and its bytes of media. */
function encode(programs) {
  const [out, report] = [join(folder, "out"), join(folder, "time")];
  rmSync(out, { recursive: true, force: true });
  const began = performance.now();
  execFileSync("/usr/bin/time", ["-o", report, "-f", "%U %S", join(programs, "reelmill"), "transcode", file, out], { stdio: "ignore" });
  const wall_s = seconds(began);
  const [user, system] = readFileSync(report, "utf8").trim().split("\n").at(-1).split(" ").map(Number);
  const names = readdirSync(out, { recursive: true }).filter((name) => /\.(m4s|mp4)$/.test(name));
  const bytes = names.reduce((sum, name) => sum + statSync(join(out, name)).size, 0);
  return { wall_s, cpu_s: user + system, bytes };
}

/** Seconds from an upload's last byte until what a player starts with is there, and those for a segment far behind it. */
async function start(programs) {
  const data = mkdtempSync(join(folder, "data-"));
  const server = spawn(join(programs, "reelmill"), ["serve", "--data", data, "--listen", "127.0.0.1:0"]);
  const gone = new Promise((done) => server.once("exit", done));
  try {
    const base = await new Promise((found, failed) => {
      let said = "";
      server.stderr.on("data", (piece) => {
        said += piece;
        const line = said.match(/listens on (http:\S+),/);
        if (line) found(line[1]);
      });
      server.once("exit", () => failed(new Error(said)));
    });
    const headers = { authorization: "Bearer " + readFileSync(join(data, "admin-token"), "utf8").trim() };
    const answer = await fetch(base + "/api/v1/videos", { method: "POST", body: readFileSync(file), headers });
    const { id } = await answer.json();
    const began = performance.now();
    const get = async (path) => {
      const found = await fetch(`${base}/v/${id}/${path}`);
      if (!found.ok) throw new Error(`${path}: ${found.status}`);
      return found;
    };
    const master = await (await get("master.m3u8")).text();
    const picture = master.match(/^(v\d+-\w+)\//m)[1], sound = master.match(/URI="(a\d+-\w+)\//)?.[1];
    const whole = async (rendition, name) => (await get(`${rendition}/${name}`)).arrayBuffer();
    const both = (name) => Promise.all([picture, sound].filter(Boolean).map((rendition) => whole(rendition, name)));
    await Promise.all([both("init.mp4"), both("0.m4s")]);
    const start_s = seconds(began);
    const playlist = await (await get(`${picture}/playlist.m3u8`)).text();
    const last = playlist.match(/\.m4s/g).length - 1;
    const sought = performance.now();
    // The last but one is as long as most, and the last that the background makes.
    await both(`${Math.max(last - 1, 0)}.m4s`);
    return { start_s, seek_s: seconds(sought) };
  } finally {
    server.kill("SIGTERM");
    await gone;
    rmSync(data, { recursive: true, force: true });
  }
}

const seen = { before: [], after: [] }, starts = { before: [], after: [] };
for (let round = 0; round < ENCODES; round++) {
  for (const [name, programs] of Object.entries({ before, after })) seen[name].push(encode(programs));
}
for (let round = 0; round < STARTS; round++) {
  for (const [name, programs] of Object.entries({ before, after })) starts[name].push(await start(programs));
}
rmSync(folder, { recursive: true, force: true });
const row = (what, of, digits) => {
  const [was, is] = [of("before"), of("after")];
  console.log(`${what}: ${was.toFixed(digits)} before, ${is.toFixed(digits)} after, ratio ${(is / was).toFixed(4)}`);
};
if (ENCODES) {
  row(`processor seconds of the ladder, median of ${ENCODES}`, (name) => median(seen[name].map(({ cpu_s }) => cpu_s)), 2);
  row(`wall seconds of the ladder, median of ${ENCODES}`, (name) => median(seen[name].map(({ wall_s }) => wall_s)), 2);
  row("bytes of media", (name) => seen[name][0].bytes, 0);
}
row(`seconds from the last byte to the first segments, median of ${STARTS}`, (name) => median(starts[name].map(({ start_s }) => start_s)), 3);
row(`seconds for a segment far behind them, median of ${STARTS}`, (name) => median(starts[name].map(({ seek_s }) => seek_s)), 3);

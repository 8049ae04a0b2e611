// The whole ladder at policy `fast`: `reelmill transcode` against the `ffmpeg` program at the same
// rungs, caps, scaling and segment lengths, alternately, three times each (`ROUNDS`). The program is first told
// the same preset and rate factor, then `veryfast` and for each rung the factor that gives as good
// pictures, by the harmonic mean of VMAF. `ladder.mjs [FILE]`; needs `ffmpeg`, `ffprobe` and the PyPI
// package `imageio-ffmpeg`, whose `ffmpeg` judges.
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { everyday } from "./tools.mjs";

const root = resolve(import.meta.dirname, "..");
const program = process.env.REELMILL || join(root, "target/release/reelmill");
const folder = mkdtempSync(join(tmpdir(), "reelmill-ladder-"));
const file = process.argv[2] || everyday(folder);
const ROUNDS = Number(process.env.ROUNDS ?? 3);

const plan = JSON.parse(execFileSync(program, ["probe", file, "--plan"], { maxBuffer: 1 << 28 }));
/** What of a rendition's settings is about quality, not about segments. */
const tuning = (x264) => x264.split(":").filter((setting) =>
  ["crf", "ref", "mbtree", "rc-lookahead", "subme", "trellis", "partitions", "qcomp", "aq-strength"].includes(setting.split("=")[0])).join(":");
const rungs = plan.video.map((v) => ({
  id: v.id, cap: v.cap_bits_per_second, preset: v.preset, x264: tuning(v.settings), crf: v.crf, ...v.scale_path.at(-1),
}));
const SEGMENT_S = 4;

/** Wall and CPU seconds of a command. */
function timed(command, args) {
  const began = process.hrtime.bigint();
  const report = join(folder, "time");
  execFileSync("/usr/bin/time", ["-o", report, "-f", "%U %S", command, ...args], { stdio: ["ignore", "ignore", "ignore"] });
  const [user, system] = readFileSync(report, "utf8").trim().split("\n").at(-1).split(" ").map(Number);
  return { wall: Number(process.hrtime.bigint() - began) / 1e9, cpu: user + system };
}

function ours(out) {
  rmSync(out, { recursive: true, force: true });
  return timed(program, ["transcode", file, out]);
}

/** One decode, a cascade of scalers, one x264 and one HLS muxer a rung, AAC beside. */
function theirs(out, preset, settings) {
  rmSync(out, { recursive: true, force: true });
  execFileSync("mkdir", ["-p", out]);
  let graph = "", from = "[0:v:0]";
  rungs.forEach((rung, i) => {
    // The top rung is the source's own size: nothing is scaled.
    const scaled = i === 0 ? "null" : `scale=${rung.width}:${rung.height}:flags=bicubic+accurate_rnd+bitexact`;
    graph += i + 1 < rungs.length ? `${from}${scaled},split[v${i}][n${i}];` : `${from}${scaled}[v${i}]`;
    from = `[n${i}]`;
  });
  const { num, den } = plan.timeline.rate;
  const cuts = plan.timeline.boundaries.slice(1, -1).map((frame) => (frame * den) / num).join(",");
  const args = ["-v", "error", "-y", "-i", file, "-filter_complex", graph];
  rungs.forEach((rung, i) => args.push("-map", `[v${i}]`, "-c:v", "libx264", "-preset", preset, "-profile:v", "high",
    "-x264-params", settings[i], "-maxrate", String(rung.cap), "-bufsize", String(2 * rung.cap), "-sc_threshold", "0", "-force_key_frames", cuts, "-g", "100000",
    "-f", "hls", "-hls_segment_type", "fmp4", "-hls_time", String(SEGMENT_S), "-hls_playlist_type", "vod",
    "-hls_fmp4_init_filename", `${rung.id}-init.mp4`, "-hls_segment_filename", join(out, `${rung.id}-%d.m4s`), join(out, `${rung.id}.m3u8`)));
  args.push("-map", "0:a:0", "-c:a", "aac", "-b:a", "128k", "-ar", "48000", "-ac", "2", "-f", "hls", "-hls_segment_type", "fmp4",
    "-hls_time", String(SEGMENT_S), "-hls_playlist_type", "vod", "-hls_fmp4_init_filename", "a-init.mp4",
    "-hls_segment_filename", join(out, "a-%d.m4s"), join(out, "a.m3u8"));
  return timed("ffmpeg", args);
}

const segments = (list) => list.filter((name) => name.endsWith(".m4s"));
const bytes = (names) => names.reduce((sum, name) => sum + statSync(name).size, 0);

/** Five figures of a rung's pictures against the source scaled to its size: `mean`, `harmonic`, `p5`, `p1`, `worst`. */
function quality(playlist, rung) {
  const judge = join(import.meta.dirname, "quality.py");
  return JSON.parse(execFileSync("python3", [judge, playlist, file, String(rung.width), String(rung.height)], { encoding: "utf8" }));
}
const FIGURES = ["mean", "harmonic", "p5", "p1", "worst"];
const inWords = (five) => FIGURES.map((name) => five[name].toFixed(1)).join(" ");

/** Whether a rung was not left out by us once its bytes were known. */
const isKept = (rung) => existsSync(join(ourOut, rung.id));
/** Bytes and quality of each rung, or nothing of one that was left out. */
const judged = (mine, playlist) => rungs.map((rung) => isKept(rung) ? { bytes: bytes(mine(rung)), quality: quality(playlist(rung), rung) } : null);
const ourOut = join(folder, "ours"), theirOut = join(folder, "theirs");
const judgedOurs = () => judged((rung) => segments(readdirSync(join(ourOut, rung.id))).map((name) => join(ourOut, rung.id, name)),
  (rung) => join(ourOut, rung.id, "playlist.m3u8"));
const judgedTheirs = () => judged((rung) => segments(readdirSync(theirOut)).filter((name) => name.startsWith(rung.id)).map((name) => join(theirOut, name)),
  (rung) => join(theirOut, `${rung.id}.m3u8`));

const median = (list) => [...list].sort((a, b) => a - b)[list.length >> 1];

/** Both sides alternately, and what they made. */
function compare(title, preset, settings) {
  const runs = [];
  for (let round = 0; round < ROUNDS; round++) {
    const [a, b] = [ours(ourOut), theirs(theirOut, preset, settings)];
    runs.push({ a, b });
    console.log(`${title}, round ${round + 1}: reelmill ${a.wall.toFixed(1)} s (cpu ${a.cpu.toFixed(1)}), ` +
      `ffmpeg ${b.wall.toFixed(1)} s (cpu ${b.cpu.toFixed(1)}), cpu ratio ${(a.cpu / b.cpu).toFixed(3)}`);
  }
  const [mine, others] = [judgedOurs(), judgedTheirs()];
  rungs.forEach(({ height }, i) => {
    const [a, b] = [mine[i], others[i]];
    if (!a) return console.log(`${height}p: left out by reelmill, which has made it all the same`);
    console.log(`${height}p: bytes ${a.bytes} / ${b.bytes} = ${(a.bytes / b.bytes).toFixed(3)}, ` +
      `VMAF (${FIGURES.join(", ")}) ${inWords(a.quality)} / ${inWords(b.quality)}`);
  });
  const sum = (list) => list.reduce((sum, rung) => sum + (rung?.bytes ?? 0), 0);
  console.log(`${title}: ${rungs.length} rungs, medians of ${ROUNDS}: wall ratio ${median(runs.map(({ a, b }) => a.wall / b.wall)).toFixed(3)}, ` +
    `cpu ratio ${median(runs.map(({ a, b }) => a.cpu / b.cpu)).toFixed(3)}, bytes ratio ${(sum(mine) / sum(others)).toFixed(3)}`);
  return mine;
}

/** For each rung the `veryfast` factor that has a harmonic mean, on the line through two that are near. */
function factors(wanted) {
  const tries = [-1.5, 1.5].map((more) => {
    const crfs = rungs.map(({ crf }) => crf + more);
    theirs(theirOut, "veryfast", crfs.map((crf) => `crf=${crf}`));
    return judgedTheirs().map((rung, i) => ({ crf: crfs[i], quality: rung?.quality.harmonic }));
  });
  return rungs.map(({ crf }, i) => {
    const [a, b] = tries.map((one) => one[i]);
    if (!wanted[i]) return crf.toFixed(2);
    return (a.crf + ((b.crf - a.crf) * (wanted[i].quality.harmonic - a.quality)) / (b.quality - a.quality)).toFixed(2);
  });
}

const mine = compare("same settings", rungs[0].preset, rungs.map(({ x264 }) => x264));
const crfs = factors(mine);
compare(`veryfast at equal harmonic VMAF (CRF ${crfs.join(", ")})`, "veryfast", crfs.map((crf) => `crf=${crf}`));
rmSync(folder, { recursive: true, force: true });

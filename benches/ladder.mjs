// The whole ladder at policy `fast`: `reelmill transcode` against the `ffmpeg` program at the same
// rungs, preset, rate control, caps, scaling and segment lengths, alternately, three times each.
// `ladder.mjs [FILE]`; needs `ffmpeg` and `ffprobe`.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, statSync, existsSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { sample } from "../tests/browser/house.mjs";

const root = resolve(import.meta.dirname, "..");
const program = process.env.REELMILL || join(root, "target/release/reelmill");
const folder = mkdtempSync(join(tmpdir(), "reelmill-ladder-"));
const corpus = join(root, "../shared/media/everyday-1080p30.mp4");
const file = process.argv[2] || (existsSync(corpus) ? corpus : sample(folder, "bench.mp4", 30));
const ROUNDS = 3;

const plan = JSON.parse(execFileSync(program, ["probe", file, "--plan"], { maxBuffer: 1 << 28 }));
/** What of a rendition's settings is about quality, not about segments. */
const tuning = (x264) => x264.split(":").filter((setting) =>
  ["crf", "ref", "mbtree", "rc-lookahead", "subme", "trellis", "partitions"].includes(setting.split("=")[0])).join(":");
const rungs = plan.video.map((v) => ({
  id: v.id, cap: v.cap_bits_per_second, preset: v.preset, x264: tuning(v.x264), ...v.scale_path.at(-1),
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
function theirs(out) {
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
  rungs.forEach((rung, i) => args.push("-map", `[v${i}]`, "-c:v", "libx264", "-preset", rung.preset, "-profile:v", "high",
    "-x264-params", rung.x264, "-maxrate", `${(rung.cap * SEGMENT_S) / (SEGMENT_S + 0.5)}`, "-bufsize",
    `${(rung.cap * SEGMENT_S) / (SEGMENT_S + 0.5)}`, "-sc_threshold", "0", "-force_key_frames", cuts, "-g", "100000",
    "-f", "hls", "-hls_segment_type", "fmp4", "-hls_time", String(SEGMENT_S), "-hls_playlist_type", "vod",
    "-hls_fmp4_init_filename", `${rung.id}-init.mp4`, "-hls_segment_filename", join(out, `${rung.id}-%d.m4s`), join(out, `${rung.id}.m3u8`)));
  args.push("-map", "0:a:0", "-c:a", "aac", "-b:a", "128k", "-ar", "48000", "-ac", "2", "-f", "hls", "-hls_segment_type", "fmp4",
    "-hls_time", String(SEGMENT_S), "-hls_playlist_type", "vod", "-hls_fmp4_init_filename", "a-init.mp4",
    "-hls_segment_filename", join(out, "a-%d.m4s"), join(out, "a.m3u8"));
  return timed("ffmpeg", args);
}

const segments = (list) => list.filter((name) => name.endsWith(".m4s"));
const bytes = (names) => names.reduce((sum, name) => sum + statSync(name).size, 0);

/** Mean SSIM of a rung against the source scaled to its size. */
function ssim(playlist, rung) {
  const graph = `[1:v]scale=${rung.width}:${rung.height}:flags=bicubic+accurate_rnd[r];[0:v][r]ssim`;
  const said = execFileSync("sh", ["-c", 'exec ffmpeg -hide_banner -i "$0" -i "$1" -lavfi "$2" -an -f null - 2>&1', playlist, file, graph],
    { encoding: "utf8", maxBuffer: 1 << 26 });
  return Number(said.match(/All:([\d.]+)/)[1]);
}

const median = (list) => [...list].sort((a, b) => a - b)[list.length >> 1];
const ourOut = join(folder, "ours"), theirOut = join(folder, "theirs");
const runs = [];
for (let round = 0; round < ROUNDS; round++) {
  const [a, b] = [ours(ourOut), theirs(theirOut)];
  runs.push({ a, b });
  console.log(`round ${round + 1}: reelmill ${a.wall.toFixed(1)} s (cpu ${a.cpu.toFixed(1)}), ` +
    `ffmpeg ${b.wall.toFixed(1)} s (cpu ${b.cpu.toFixed(1)}), wall ratio ${(a.wall / b.wall).toFixed(3)}`);
}
let ourBytes = 0, theirBytes = 0;
for (const rung of rungs) {
  const mine = bytes(segments(readdirSync(join(ourOut, rung.id))).map((name) => join(ourOut, rung.id, name)));
  const others = bytes(segments(readdirSync(theirOut)).filter((name) => name.startsWith(rung.id)).map((name) => join(theirOut, name)));
  ourBytes += mine;
  theirBytes += others;
  const quality = [ssim(join(ourOut, rung.id, "playlist.m3u8"), rung), ssim(join(theirOut, `${rung.id}.m3u8`), rung)];
  console.log(`${rung.height}p: bytes ${mine} / ${others} = ${(mine / others).toFixed(3)}, SSIM ${quality[0].toFixed(4)} / ${quality[1].toFixed(4)}`);
}
console.log(`ladder, ${rungs.length} rungs, medians of ${ROUNDS}: wall ratio ${median(runs.map(({ a, b }) => a.wall / b.wall)).toFixed(3)}, ` +
  `cpu ratio ${median(runs.map(({ a, b }) => a.cpu / b.cpu)).toFixed(3)}, bytes ratio ${(ourBytes / theirBytes).toFixed(3)}`);
rmSync(folder, { recursive: true, force: true });

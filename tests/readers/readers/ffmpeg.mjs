// FFmpeg as a reader: demuxed and decoded with the time stamps as the demuxer gives them.
import { mkdtempSync, readFileSync, rmSync, existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { run } from "../program.mjs";

/** Decodes all of `url`, from `start` seconds on: `frames` ({ time, level }) and `sound` ({ time, samples })
 *  with the times of FFmpeg's own. Each is once written as a list of times (`framecrc`) and once as bare
 *  bytes, in the same order. */
export async function decode(program, url, start = 0) {
  const folder = mkdtempSync(join(tmpdir(), "reelmill-ffmpeg-"));
  const file = (name) => join(folder, name);
  try {
    const picture = ["-map", "0:v:0", "-vf", "scale=1:1:flags=area:out_range=full,format=gray", "-fps_mode", "passthrough", "-copyts"];
    const sound = ["-map", "0:a:0", "-ac", "1", "-c:a", "pcm_s16le", "-copyts"];
    const seek = start ? ["-ss", String(start)] : [];
    const { stderr, code } = await run(program, ["-v", "error", "-nostdin", ...seek, "-copyts", "-i", url,
      ...picture, "-f", "framecrc", file("picture.crc"), ...picture, "-f", "rawvideo", file("picture.raw"),
      ...sound, "-f", "framecrc", file("sound.crc"), ...sound, "-f", "s16le", file("sound.raw")]);
    if (code) return { problem: `it ended with ${code}: ${stderr.trim().split("\n").at(-1)}`, frames: [], sound: [] };
    return {
      frames: chunks(file("picture")).map(({ time, bytes }) => ({ time, level: bytes[0] })),
      sound: chunks(file("sound")).map(({ time, bytes }) => ({ time, samples: samplesOf(bytes) })),
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What FFmpeg has written: bytes, each piece with its time in seconds. */
function chunks(path) {
  const bytes = readFileSync(path + ".raw");
  const list = readFileSync(path + ".crc", "utf8");
  const [, numerator, denominator] = list.match(/#tb 0: (\d+)\/(\d+)/) ?? [];
  let at = 0;
  return list.split("\n").filter((line) => line && !line.startsWith("#")).map((line) => {
    const [, , pts, , size] = line.split(",").map(Number);
    at += size;
    return { time: pts * numerator / denominator, bytes: bytes.subarray(at - size, at) };
  });
}

export function samplesOf(bytes) {
  return Float32Array.from({ length: bytes.length >> 1 }, (_, index) => bytes.readInt16LE(2 * index) / 32768);
}

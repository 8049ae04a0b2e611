// mpv as a reader: in its encoding mode it writes what it would play, as it would play it.
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { run } from "../program.mjs";
import { decode } from "./ffmpeg.mjs";

export async function read(url, start) {
  const folder = mkdtempSync(join(tmpdir(), "reelmill-mpv-"));
  const written = join(folder, "written.nut");
  try {
    // Even a start of 0 would be a seek.
    const seek = start ? [`--start=${start}`] : [];
    await run("mpv", ["--no-config", "--really-quiet", ...seek, `--o=${written}`, "--of=nut", "--ovc=rawvideo", "--oac=pcm_s16le",
      "--vf=scale=16:16:flags=area,format=gray", url]);
    if (!statSync(written, { throwIfNoEntry: false })?.size) return { problem: "nothing is written" };
    return await decode("ffmpeg", written);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

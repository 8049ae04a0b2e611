// The film that every reader is shown: dark, with flashes and beeps that start at the same instants.
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { beepTimes, flashTimes } from "./detect.mjs";
import { decode } from "./readers/ffmpeg.mjs";

/** Pictures a second. */
export const RATE = 30;
/** How long the film is, in seconds. */
export const SECONDS = 17;
/** When a flash and a beep start, in seconds: a second after the start, then every three seconds. */
export const FLASHES = [1, 4, 7, 10, 13, 16];
/** How bright the pictures of a flash are, of 255: each darker than the one before, so that a reader that
 *  drops one still tells which of the flash it shows. All others have about 37. */
export const LEVELS = [255, 204, 153, 112];
const BEEP_SECONDS = 0.1;

/** Writes the film: H.264 with B-frames and enough noise that lower rungs cost less than the source's own
 *  pictures, so that these can be passed through, and AAC, in MP4. */
export async function makeFilm(folder) {
  const path = join(folder, "film.mp4");
  const flashes = LEVELS.map((level, index) => {
    const color = "0x" + level.toString(16).repeat(3);
    return `drawbox=c=${color}:t=fill:enable=eq(mod(n\\,${3 * RATE})\\,${RATE + index})`;
  });
  const picture = [`color=0x303030:s=640x360:r=${RATE}:d=${SECONDS},format=yuv420p,noise=alls=24:allf=t`, ...flashes];
  const sound = `aevalsrc=0.5*sin(2*PI*1000*t)*lt(mod(t+2\\,3)\\,${BEEP_SECONDS}):s=48000:d=${SECONDS}`;
  execFileSync("ffmpeg", ["-v", "error", "-f", "lavfi", "-i", picture.join(), "-f", "lavfi", "-i", sound,
    "-c:v", "libx264", "-preset", "veryfast", "-bf", "3", "-g", "75", "-pix_fmt", "yuv420p",
    "-b:v", "1200k", "-maxrate", "1500k", "-bufsize", "1500k", "-c:a", "aac", path]);
  const { frames, sound: heard } = await decode("ffmpeg", path);
  const seen = JSON.stringify({ flashes: flashTimes(frames), beeps: beepTimes(heard) }, (_, value) =>
    typeof value === "number" ? Math.round(value * 100) / 100 : value);
  const meant = JSON.stringify({ flashes: FLASHES, beeps: FLASHES });
  if (seen !== meant) throw new Error(`the film itself is wrong: ${seen}`);
  return path;
}

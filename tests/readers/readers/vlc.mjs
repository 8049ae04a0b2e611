// VLC as a reader. It plays in real time, so only a part is played: a beginning of six seconds, or an end.
import { SECONDS } from "../film.mjs";
import { pythonReader } from "./python.mjs";

const PLAYED_SECONDS = 6;

/** Times are those of VLC's clock: they tell how pictures and sound lie to each other, not where they start. */
export async function read(url, start) {
  const { problem, frames, beeps } = await pythonReader("vlc.py", [url, start, Math.min(start + PLAYED_SECONDS, SECONDS)]);
  return { problem, frames: frames.map(([time, level]) => ({ time, level })), sound: beeps.map((time) => ({ time, samples: [1] })),
    first: { picture: null, sound: null } };
}

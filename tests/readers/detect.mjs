// Finds flashes in pictures and beeps in sound.
import { LEVELS, RATE } from "./film.mjs";

/** A picture darker than this, of 255, is none of a flash. */
const DARK = 85;
/** A sample louder than this, of 1, is of a beep: a fifth of a beep's amplitude. */
const LOUD = 0.1;
/** Beeps are three seconds apart; what is loud within this time after one starts is still the same. */
const BEEP_PAUSE_SECONDS = 1;

/** When flashes start, of `frames` ({ time, level }) in the order of their times. A flash of which the first
 *  pictures were not seen started as much earlier as the level of the one that was seen says. */
export function flashTimes(frames) {
  const times = [];
  let lit = false;
  for (const { time, level } of frames) {
    if (level >= DARK && !lit) times.push(time - placeInFlash(level) / RATE);
    lit = level >= DARK;
  }
  return times;
}

/** Which picture of a flash has this level. */
function placeInFlash(level) {
  const distances = LEVELS.map((usual) => Math.abs(usual - level));
  return distances.indexOf(Math.min(...distances));
}

/** When beeps start, of `chunks` ({ time, samples }): one channel at 48 kHz, `samples` between -1 and 1. */
export function beepTimes(chunks, rate = 48000) {
  const times = [];
  for (const { time, samples } of chunks) {
    for (let index = 0; index < samples.length; index++) {
      if (Math.abs(samples[index]) < LOUD) continue;
      const at = time + index / rate;
      if (!times.length || at - times.at(-1) > BEEP_PAUSE_SECONDS) times.push(at);
    }
  }
  return times;
}

// What one reader makes of the film in one codec by one protocol, in milliseconds.
import { beepTimes, flashTimes } from "./detect.mjs";

/** Where a reader's second reading starts, in seconds: before the last two flashes. */
export const SOUGHT = 11;
/** A flash and a beep that lie further apart than this, in seconds, are not of the same instant. */
const SAME_INSTANT = 0.5;

/**
 * Takes two readings apart: the film from its start, and once more after a seek. Each has `frames` and `sound` as
 * detect.mjs takes them, or a `problem`. The first may say where picture and sound start (`first`), where that is
 * not the time of what comes first. Results:
 * - `picture`, `sound`: where the first picture is shown, and where sound starts, if the reader says so;
 * - `lags`: how much later than its beep each flash is;
 * - `sought`: the same after the seek, or null where nothing comes of it;
 * - or only `problem`: why there is no picture.
 */
export function measure([whole, sought]) {
  if (whole.problem) return { problem: whole.problem };
  if (!whole.frames.length) return { problem: "there are no pictures" };
  const first = whole.first ?? { picture: whole.frames[0].time, sound: whole.sound[0].time };
  return {
    picture: first.picture === null ? null : first.picture * 1000,
    sound: first.sound === null ? null : first.sound * 1000,
    lags: whole.isWithoutLevels ? null : lags(whole),
    sought: !sought || sought.problem || !sought.frames.length || !sought.sound.length ? null : lags(sought),
  };
}

/** How many milliseconds each flash is later than its beep. */
function lags({ frames, sound }) {
  const beeps = beepTimes(sound);
  const times = flashTimes(frames);
  if (!times.length) throw new Error(`no flash is seen in ${frames.length} pictures`);
  return times.map((time) => {
    const beep = beeps.find((at) => Math.abs(at - time) < SAME_INSTANT);
    if (beep === undefined) throw new Error(`no beep is heard at the flash of ${time}, but at ${beeps.join(", ")}`);
    return (time - beep) * 1000;
  });
}

// Compares what was measured with the table.
import { EXPECTED, toleranceOf } from "./expected.mjs";

/** What differs from the table, in words; nothing if all is as expected. */
export function differences({ reader, codec, protocol }, measured) {
  const expected = EXPECTED[reader][protocol][codec];
  if (expected === "cannot decode" || measured.problem) {
    return expected === "cannot decode" && measured.problem ? [] : [`${measured.problem ?? "it can decode it"}, where the table has ${JSON.stringify(expected)}`];
  }
  const found = valuesOf(measured);
  return Object.entries(expected).flatMap(([name, value]) => {
    const isSo = value === "nothing" ? found[name] === null : found[name] !== null && Math.abs(found[name] - value) <= toleranceOf(reader, name);
    return isSo ? [] : [`${name} is ${written(found[name])}, where the table has ${written(value)}`];
  });
}

/** The single values of a measurement: of many lags the least, since a picture that is watched may be seen later than
 *  it should under load, but never sooner. */
function valuesOf({ picture, sound, lags, sought }) {
  return { picture, sound, lag: lags && Math.min(...lags), sought: sought && Math.min(...sought) };
}

const written = (value) => (typeof value === "number" ? `${value.toFixed(1)} ms` : value ?? "nothing");

/** A measurement in one line. */
export function inWords(measured) {
  if (measured.problem) return `no picture: ${measured.problem.split("\n")[0].slice(0, 80)}`;
  const { picture, sound, lag, sought } = valuesOf(measured);
  const number = (value) => (value === null ? "-" : Math.abs(value) < 0.05 ? "0.0" : value.toFixed(1)).padStart(6);
  return `${number(picture)} ${number(sound)} ${number(lag)} ${number(sought)}`;
}

// Five files of one owner that arrive at once: two seconds, sound alone, half a minute, six minutes, an hour. When each has
// its poster, plays, and is ready, in seconds after its own last byte. The hour is followed until the others are ready;
// `WHOLE=1 node mixed.mjs` waits for it too.
import { execFileSync } from "node:child_process";
import { setTimeout as pause } from "node:timers/promises";
import { join } from "node:path";
import { House, everyday, long } from "./tools.mjs";

const EVERY_MS = 100;
const house = await House.open({ browser: false });
const made = (name, ...args) => {
  const path = join(house.folder, name);
  execFileSync("ffmpeg", ["-v", "error", ...args, path]);
  return path;
};
const natural = everyday(house.folder);
// The longest first: who comes after it is not to wait for it.
const files = {
  "an hour": long(house.folder, 60, "hour.mp4"),
  "six minutes": long(house.folder, 6, "six.mp4"),
  "half a minute": natural,
  "sound alone": made("sound.m4a", "-f", "lavfi", "-i", "sine=440:d=60", "-c:a", "aac"),
  "two seconds": made("two.mp4", "-i", natural, "-t", "2", "-c", "copy"),
};

let others = Object.keys(files).length - 1;
async function follow(name, path) {
  const { id } = await house.upload(path, encodeURIComponent(name));
  const began = performance.now();
  const since = () => ((performance.now() - began) / 1000).toFixed(1);
  const times = { poster: null, plays: null, ready: null };
  const isHour = name === "an hour";
  for (;;) {
    const { state, error } = await (await house.api(`/api/v1/videos/${id}`)).json();
    if (state === "failed") throw new Error(`${name}: ${error.message}`);
    if (times.poster === null && (await fetch(`${house.base}/v/${id}/poster.jpg`, { method: "HEAD" })).ok) times.poster = since();
    if (times.plays === null && (state === "playable" || state === "ready")) times.plays = since();
    if (state === "ready") {
      times.ready = since();
      others -= isHour ? 0 : 1;
      return [name, times];
    }
    if (isHour && others === 0 && !process.env.WHOLE) return [name, times];
    await pause(EVERY_MS);
  }
}

const all = await Promise.all(Object.entries(files).map(([name, path]) => follow(name, path)));
console.log("| file | poster | plays | ready |\n|---|---|---|---|");
for (const [name, { poster, plays, ready }] of all) console.log(`| ${name} | ${poster ?? "none"} | ${plays} | ${ready ?? "after the others"} |`);
await house.close();

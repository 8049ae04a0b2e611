// Ten viewers of ten 1080p titles that arrive at once: when each could show its first picture, and
// how many of them go on without a stall for a minute. The viewers fetch as players do (picture at
// the higher start rung, sound, 30 s ahead) and decode nothing. `viewers.mjs [TITLES...]`.
import { setTimeout as pause } from "node:timers/promises";
import { House, long } from "./tools.mjs";

const WATCH_S = 60, AHEAD_S = 30;

/** Segments of a playlist: URL and length. */
async function playlist(url) {
  const text = await (await fetch(url)).text();
  const lengths = [...text.matchAll(/#EXTINF:([\d.]+)/g)].map(([, length]) => Number(length));
  const names = [...text.matchAll(/^\d+\.m4s$/gm)].map(([name]) => new URL(name, url));
  return names.map((name, i) => ({ url: name, length: lengths[i] }));
}

/** A file's text, asked for again while it is being made. */
async function patient(url) {
  for (let tries = 1; ; tries++) {
    const answer = await fetch(url);
    const text = await answer.text();
    if (answer.status === 200) return text;
    if (answer.status !== 503 || tries > 20) throw new Error(url + ": " + answer.status);
    await pause(1000);
  }
}

/** Watches for a while; returns when the first picture was there, and how long it stood still. */
async function watch(base, asked) {
  const master = await patient(base + "master.m3u8");
  const list = (pattern) => playlist(new URL(master.match(pattern)[0], base));
  const [pictures, sounds] = await Promise.all([list(/^v480-.*m3u8$/m), list(/a0-[^"]*m3u8/)]);
  let first = null, started = 0, loaded = 0, stalled = 0;
  for (let i = 0; i < pictures.length && loaded < WATCH_S; i++) {
    await Promise.all([patient(pictures[i].url), patient(sounds[i].url)]);
    const now = performance.now() / 1000;
    if (first === null) {
      [first, started] = [now - asked, now];
    }
    const late = now - started - stalled - loaded;
    if (late > 0) stalled += late;
    loaded += pictures[i].length;
    const early = loaded - (performance.now() / 1000 - started - stalled) - AHEAD_S;
    if (early > 0) await pause(early * 1000);
  }
  return { first, stalled };
}

for (const titles of process.argv.length > 2 ? process.argv.slice(2).map(Number) : [10, 3]) {
  const house = await House.open({ browser: false });
  const file = long(house.folder, 3);
  const viewers = await Promise.all(Array.from({ length: titles }, async (_, i) => {
    const { id } = await house.upload(file, "title-" + i);
    return watch(`${house.base}/v/${id}/`, performance.now() / 1000);
  }));
  const firsts = viewers.map(({ first }) => first);
  const smooth = viewers.filter(({ stalled }) => stalled < 0.1).length;
  const stalls = viewers.map(({ stalled }) => stalled.toFixed(1)).join(", ");
  console.log(`${titles} viewers of ${titles} titles: first picture after ${Math.max(...firsts).toFixed(1)} s at the latest; ` +
    `${smooth} without a stall in ${WATCH_S} s; stalls of each: ${stalls} s`);
  await house.close();
}

// From the upload's last byte to the first decoded frame in a real Chromium, whose watch page is
// already open. One warm-up, then ten runs; the median counts. Of a long file, the last run goes on
// for 60 s of play.
import { statSync } from "node:fs";
import { request } from "node:http";
import { open } from "node:fs/promises";
import { House, everyday, long } from "./tools.mjs";

const PLAY_S = 60;

const house = await House.open();
const files = process.argv[2] ? [process.argv[2]] : [everyday(house.folder), long(house.folder)];

/** Uploads all but the last byte, lets `before` run, then sends it; returns when that was. */
async function upload(file, before) {
  const { size } = statSync(file);
  const handle = await open(file);
  const call = request(house.base + "/api/v1/videos?title=bench", {
    method: "POST",
    headers: { authorization: "Bearer " + house.token, "content-length": size },
  });
  const answered = new Promise((done, failed) => { call.on("response", done); call.on("error", failed); });
  for await (const piece of handle.createReadStream({ end: size - 2 })) {
    if (!call.write(piece)) await new Promise((drained) => call.once("drain", drained));
  }
  let id;
  for (let look = 0; look < 1000 && !id; look++) {
    // A small file is sent before the server has taken note of it.
    const { videos } = await (await house.api("/api/v1/videos?limit=1")).json();
    id = videos.find(({ title }) => title === "bench")?.id;
  }
  await before(id);
  const tail = Buffer.alloc(1);
  const again = await open(file);
  await again.read(tail, 0, 1, size - 1);
  await again.close();
  const sent = performance.timeOrigin + performance.now();
  call.end(tail);
  (await answered).resume();
  return { id, sent };
}

/** Plays on where there is enough to play, and says how that went. */
async function play(page, id) {
  const { duration_s } = await (await house.api("/api/v1/videos/" + id)).json();
  if (duration_s < PLAY_S + 10) return;
  const { stalls, seconds, heights } = await page.evaluate((until) => new Promise((done) => {
    const v = document.getElementById("video");
    const began = performance.now() - v.currentTime * 1000;
    const heights = {};
    let stalls = 0;
    v.addEventListener("waiting", () => stalls++);
    v.addEventListener("timeupdate", () => {
      heights[v.videoHeight] = (heights[v.videoHeight] || 0) + 1;
      if (v.currentTime >= until) done({ stalls, seconds: (performance.now() - began) / 1000, heights });
    });
  }), PLAY_S);
  const total = Object.values(heights).reduce((a, b) => a + b);
  const shares = Object.entries(heights).map(([height, n]) => `${height}p ${Math.round((n / total) * 100)} %`);
  console.log(`${PLAY_S} s of it played in ${seconds.toFixed(1)} s with ${stalls} stalls: ${shares.join(", ")}`);
}

for (const file of files) {
  const times = [];
  for (let run = 0; run <= 10; run++) {
    const page = await house.browser.newPage();
    let shown;
    const { id, sent } = await upload(file, async (id) => {
      await page.goto(`${house.base}/watch/${id}`);
      shown = page.evaluate(() => new Promise((done) => document.getElementById("video")
        .requestVideoFrameCallback(() => done(performance.timeOrigin + performance.now()))));
    });
    const seconds = ((await shown) - sent) / 1000;
    if (run > 0) times.push(seconds);
    if (run === 10) await play(page, id);
    await page.close();
    await house.api("/api/v1/videos/" + id, { method: "DELETE" });
  }
  times.sort((a, b) => a - b);
  const median = (times[4] + times[5]) / 2;
  console.log(`last byte to first frame, ${(statSync(file).size / 1e6).toFixed(1)} MB: median ${median.toFixed(2)} s, ` +
    `least ${times[0].toFixed(2)} s, most ${times[9].toFixed(2)} s of 10`);
}
await house.close();

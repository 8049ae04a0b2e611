// One hour of Matroska with a picture and three sounds, beside the same as MP4, from files and from S3: from the last
// byte until it is playable by the video's own times, and a cold segment far into it. `ROUNDS` (5) each, alternately.
import { execFileSync } from "node:child_process";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Cluster } from "../tests/cluster/cluster.mjs";
import { House, percentile } from "./tools.mjs";

const ROUNDS = Number(process.env.ROUNDS ?? 5);
const alone = await House.open({ browser: false });
const cluster = process.env.CLUSTER === "0" ? null : Cluster.open({ origins: 1, workers: 1 });
const ffmpeg = (...args) => execFileSync("ffmpeg", ["-v", "error", "-y", ...args], { cwd: alone.folder });

// A minute of pictures sixty times, whose stamps are made anew, so that their rate does not waver where they meet.
ffmpeg("-f", "lavfi", "-i", "testsrc2=s=1280x720:r=30:d=60,noise=alls=12:allf=t", "-c:v", "libx264", "-preset", "ultrafast",
  "-b:v", "3M", "-maxrate", "4M", "-bufsize", "4M", "-g", "60", "-bf", "0", "-pix_fmt", "yuv420p", "minute.h264");
const minute = readFileSync(join(alone.folder, "minute.h264"));
writeFileSync(join(alone.folder, "hour.h264"), Buffer.concat(Array(60).fill(minute)));
ffmpeg("-f", "lavfi", "-i", "sine=440:r=48000:d=3600", "-c:a", "ac3", "-b:a", "128k", "hour.ac3");
ffmpeg("-r", "30", "-i", "hour.h264", "-i", "hour.ac3", "-map", "0:v", "-map", "1:a", "-map", "1:a", "-map", "1:a", "-c", "copy", "hour.mkv");
ffmpeg("-i", "hour.mkv", "-map", "0", "-c", "copy", "hour.mp4");
rmSync(join(alone.folder, "hour.h264"));

const kinds = [
  { name: "files", base: alone.base, token: alone.token },
  ...(cluster ? [{ name: "S3", base: cluster.bases[0], token: cluster.token }] : []),
];
const containers = ["mkv", "mp4"];
const figures = new Map();
const note = (name, value) => figures.set(name, [...(figures.get(name) ?? []), value]);

async function get(url) {
  for (;;) {
    const answer = await fetch(url);
    const body = await answer.text();
    if (answer.ok) return body;
    if (answer.status !== 503) throw new Error(`${url}: ${answer.status}`);
  }
}

try {
  for (let round = 0; round < ROUNDS; round++) {
    for (const kind of kinds) {
      for (const container of containers) {
        const { id } = await House.prototype.upload.call(kind, join(alone.folder, "hour." + container), container);
        const headers = { authorization: "Bearer " + kind.token };
        const master = await get(`${kind.base}/v/${id}/master.m3u8`);
        const video = await (await fetch(`${kind.base}/api/v1/videos/${id}`, { headers })).json();
        note(`${kind.name}, ${container}: playable`, (Date.parse(video.playable_at) - Date.parse(video.uploaded_at)) / 1000);
        const rung = master.match(/^(v480-[^/]+)\/playlist/m)[1];
        const sound = master.match(/URI="(a2-[^/]+)\/playlist/)[1];
        const began = performance.now();
        const index = 300 + ((round * 79) % 500);
        await Promise.all([rung, sound].map((one) => get(`${kind.base}/v/${id}/${one}/${index}.m4s`)));
        note(`${kind.name}, ${container}: cold segment`, (performance.now() - began) / 1000);
        await fetch(`${kind.base}/api/v1/videos/${id}`, { method: "DELETE", headers });
      }
    }
  }
  console.log("seconds".padEnd(32), "median", "worst");
  for (const [name, list] of figures) console.log(name.padEnd(32), percentile(list, 50), percentile(list, 100));
} finally {
  await alone.close();
  cluster?.close();
}

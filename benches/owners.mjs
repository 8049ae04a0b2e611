// Who has little to do beside who has much: one owner's video alone in a cluster of an origin and two
// workers, and the same while another owner has a thousand chunks left. `ROUNDS` (3) each.
import { setTimeout as sleep } from "node:timers/promises";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { execFileSync } from "node:child_process";
import { Cluster, sample } from "../tests/cluster/cluster.mjs";

const ROUNDS = Number(process.env.ROUNDS ?? 3);
const program = process.env.REELMILL;
const cluster = Cluster.open({ origins: 1, workers: 2 });
const [base] = cluster.bases;
const settings = join(cluster.folder, "reelmill.toml");
const token = (owner) => cluster.run(program, "token", "--config", settings, "create", "--owner", owner, "--name", "a").trim();
const tokens = { little: token("little"), much: token("much") };

async function call(owner, method, path, body) {
  const headers = { authorization: "Bearer " + tokens[owner] };
  const answer = await fetch(base + "/api/v1" + path, { method, headers, body });
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
  return method === "DELETE" ? null : answer.json();
}

async function until(owner, id, states) {
  for (;;) {
    const video = await call(owner, "GET", `/videos/${id}`);
    if (states.includes(video.state)) return video;
    if (video.state === "failed") throw new Error(JSON.stringify(video));
    await sleep(50);
  }
}

const seconds = (video, at) => (Date.parse(video[at]) - Date.parse(video.uploaded_at)) / 1000;

async function measure(body) {
  const times = { playable: [], ready: [] };
  for (let round = 0; round < ROUNDS; round++) {
    const { id } = await call("little", "POST", "/videos", body);
    const video = await until("little", id, ["ready"]);
    times.playable.push(seconds(video, "playable_at"));
    times.ready.push(seconds(video, "ready_at"));
    await call("little", "DELETE", `/videos/${id}`);
  }
  return times;
}

const middle = (all) => [...all].sort((a, b) => a - b)[Math.floor(all.length / 2)];
try {
  const body = sample(cluster.folder, "little.mp4", 60);
  const alone = await measure(body);
  // An hour is 114 chunks: the first two are shorter.
  sample(cluster.folder, "minute.mp4", 60);
  const hour = join(cluster.folder, "hour.mp4");
  execFileSync("ffmpeg", ["-v", "error", "-stream_loop", "59", "-i", join(cluster.folder, "minute.mp4"), "-c", "copy", hour]);
  const much = readFileSync(hour);
  for (let n = 0; n < 10; n++) {
    const { id } = await call("much", "POST", `/videos?title=${n}`, much);
    await until("much", id, ["playable", "ready"]);
  }
  const beside = await measure(body);
  const left = (await call("much", "GET", "/videos")).videos;
  const chunks = left.reduce((sum, video) => sum + (video.progress.total - video.progress.made) / (8 * 3), 0);
  for (const state of ["playable", "ready"]) {
    const [one, two] = [middle(alone[state]), middle(beside[state])];
    console.log(`60 s of video until ${state}: alone ${one.toFixed(2)} s, beside an owner with about ${Math.round(chunks)} `
      + `chunks left ${two.toFixed(2)} s, ${(two / one).toFixed(2)} of it (${beside[state].map((s) => s.toFixed(1))})`);
  }
} finally {
  cluster.close();
}

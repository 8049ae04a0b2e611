// The same bytes into the same S3 server, alternately: by S3's own multipart upload with the SDK
// alone, through an origin, and by an origin's signed puts past it. `MIB` (512) of noise, `ROUNDS`
// (5) each. Until the last byte is durable and the rows say so; nothing is encoded meanwhile.
import { execFileSync } from "node:child_process";
import { closeSync, openSync, readFileSync, rmSync, writeSync } from "node:fs";
import { randomBytes } from "node:crypto";
import { join, resolve } from "node:path";
import { Cluster } from "../tests/cluster/cluster.mjs";

const ROUNDS = Number(process.env.ROUNDS ?? 5);
const MIB = Number(process.env.MIB ?? 512);
const root = resolve(import.meta.dirname, "..");
execFileSync("cargo", ["build", "--quiet", "--release", "--locked", "-p", "reelmill-store", "--example", "multipart"],
  { cwd: root, stdio: "inherit" });
const multipart = join(root, "target/release/examples/multipart");

const cluster = Cluster.open({ origins: 1, workers: 0 });
const [base] = cluster.bases;
const file = join(cluster.folder, "noise");
const into = openSync(file, "w");
for (let n = 0; n < MIB; n++) writeSync(into, randomBytes(1 << 20));
closeSync(into);
const bytes = readFileSync(file);
const endpoint = readFileSync(join(cluster.folder, "s3/address"), "utf8").trim();
const authorization = "authorization: Bearer " + cluster.token;

const raw = () => Number(execFileSync(multipart, [endpoint, "reelmill", file], { encoding: "utf8" }));

function curl(...args) {
  const said = execFileSync("curl", ["-sS", "--fail", "-w", "\n%{time_total}", "-H", authorization, ...args],
    { encoding: "utf8" });
  const [body, time] = said.split(/\n(?=[^\n]*$)/);
  return { answer: JSON.parse(body), time: Number(time) };
}

async function remove(id) {
  const answer = await cluster.fetch(base, `/api/v1/videos/${id}`, { method: "DELETE" });
  if (!answer.ok) throw new Error("not deleted: " + answer.status);
}

async function through() {
  const { answer, time } = curl("-X", "POST", "-T", file, "-H", "expect:", base + "/api/v1/videos");
  await remove(answer.id);
  return time;
}

async function past() {
  const began = performance.now();
  const call = async (method, path) => (await cluster.fetch(base, "/api/v1/uploads" + path, { method })).json();
  const upload = await call("POST", `?size=${bytes.length}`);
  const parts = [];
  const blocks = Math.ceil(bytes.length / upload.block_bytes);
  while (parts.length < blocks) {
    parts.push(...await call("GET", `/${upload.id}/parts?first=${parts.length}&count=64`));
  }
  const lane = async () => {
    for (let part = parts.shift(); part; part = parts.shift()) {
      const from = part.index * upload.block_bytes;
      const body = bytes.subarray(from, from + part.bytes);
      const answer = await fetch(part.url, { method: "PUT", headers: part.headers, body });
      if (!answer.ok) throw new Error(await answer.text());
    }
  };
  await Promise.all([lane(), lane(), lane(), lane()]);
  const video = await call("POST", `/${upload.id}/complete`);
  if (video.source !== "complete") throw new Error(JSON.stringify(video));
  const time = (performance.now() - began) / 1000;
  await remove(upload.video);
  return time;
}

const ways = { "multipart by the SDK": raw, "through an origin": through, "past the origin": past };
const times = Object.fromEntries(Object.keys(ways).map((name) => [name, []]));
try {
  for (let round = 0; round < ROUNDS; round++) {
    for (const [name, way] of Object.entries(ways)) times[name].push(await way());
  }
  const middle = (all) => [...all].sort((a, b) => a - b)[Math.floor(all.length / 2)];
  const least = middle(times["multipart by the SDK"]);
  for (const [name, all] of Object.entries(times)) {
    const median = middle(all);
    console.log(`${MIB} MiB ${name}: median ${median.toFixed(2)} s (${all.map((time) => time.toFixed(2)).join(", ")}), `
      + `${(median / least).toFixed(2)} of the SDK alone`);
  }
} finally {
  cluster.close();
  rmSync(cluster.folder, { recursive: true, force: true });
}

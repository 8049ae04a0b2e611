// One process beside a cluster of an origin and a worker over S3, CQL and NATS on the same machine,
// alternately: from a source's last byte to its master playlist and first segment, and a cold
// segment far into an hour. `ROUNDS` (10) each.
import { sample } from "../tests/browser/house.mjs";
import { Cluster } from "../tests/cluster/cluster.mjs";
import { House, long, percentile } from "./tools.mjs";

const ROUNDS = Number(process.env.ROUNDS ?? 10);
const alone = await House.open({ browser: false });
const cluster = Cluster.open({ origins: 1, workers: 1 });
const kinds = [
  { name: "one process", base: alone.base, token: alone.token },
  { name: "cluster", base: cluster.bases[0], token: cluster.token },
];
const short = sample(alone.folder, "short.mp4", 30);
const hour = long(alone.folder);
const seconds = (began) => (performance.now() - began) / 1000;

const upload = async (kind, path) => (await House.prototype.upload.call(kind, path)).id;

async function get(url) {
  for (;;) {
    const answer = await fetch(url);
    const body = await answer.text();
    if (answer.ok) return body;
    if (answer.status !== 503) throw new Error(`${url}: ${answer.status}`);
  }
}

const rung = (master) => master.match(/^(v480-[^/]+)\/playlist/m)[1];

try {
  for (const kind of kinds) {
    Object.assign(kind, { playable: [], first: [], cold: [] });
    kind.hour = await upload(kind, hour);
    kind.rung = rung(await get(`${kind.base}/v/${kind.hour}/master.m3u8`));
  }
  for (let round = 0; round < ROUNDS; round++) {
    for (const kind of kinds) {
      const index = 60 + ((round * 79) % 800);
      let began = performance.now();
      await get(`${kind.base}/v/${kind.hour}/${kind.rung}/${index}.m4s`);
      kind.cold.push(seconds(began));
      const id = await upload(kind, short);
      began = performance.now();
      const master = await get(`${kind.base}/v/${id}/master.m3u8`);
      kind.playable.push(seconds(began));
      await get(`${kind.base}/v/${id}/${rung(master)}/0.m4s`);
      kind.first.push(seconds(began));
      const headers = { authorization: "Bearer " + kind.token };
      await fetch(`${kind.base}/api/v1/videos/${id}`, { method: "DELETE", headers });
    }
  }
  for (const { name, playable, first, cold } of kinds) {
    const show = (times) => `median ${percentile(times, 50)}, p95 ${percentile(times, 95)} s`;
    console.log(`${name}: last byte to master playlist ${show(playable)}; to the first segment ${show(first)}; `
      + `cold segment at 480p in an hour ${show(cold)}`);
  }
} finally {
  await alone.close();
  cluster.close();
}

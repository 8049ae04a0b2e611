// Throughput of 1, 2, 4 and 8 workers, each held to the same share of a core (`SHARE`, 0.2) by a
// control group: seconds of media made per second and worker, from the first upload until the
// last video is ready. Needs root and the cpu controller. `WORKERS=1,8` are others.
import { existsSync, mkdirSync, rmdirSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { Cluster, sample } from "../tests/cluster/cluster.mjs";

const SHARE = Number(process.env.SHARE ?? 0.2);
const COUNTS = (process.env.WORKERS ?? "1,2,4,8").split(",").map(Number);
/** Videos for each worker, and how long each is. */
const [VIDEOS, SECONDS] = [2, 40];
const PERIOD_US = 100_000;

const first = existsSync("/sys/fs/cgroup/cpu/cpu.cfs_quota_us");
const groups = first ? "/sys/fs/cgroup/cpu" : "/sys/fs/cgroup";

function hold(name, pid) {
  const group = `${groups}/reelmill-${process.pid}-${name}`;
  mkdirSync(group);
  const quota = Math.round(SHARE * PERIOD_US);
  if (first) {
    writeFileSync(`${group}/cpu.cfs_period_us`, String(PERIOD_US));
    writeFileSync(`${group}/cpu.cfs_quota_us`, String(quota));
  } else writeFileSync(`${group}/cpu.max`, `${quota} ${PERIOD_US}`);
  writeFileSync(`${group}/cgroup.procs`, String(pid));
  return group;
}

async function measure(workers) {
  const cluster = Cluster.open({ origins: 1, workers });
  const held = cluster.workers.map((name) => hold(name, cluster.pid(name)));
  try {
    const body = sample(cluster.folder, "a.mp4", SECONDS);
    const began = performance.now();
    const uploads = Array.from({ length: VIDEOS * workers }, async (_, n) => {
      const answer = await cluster.fetch(cluster.bases[0], `/api/v1/videos?title=${n}`, { method: "POST", body });
      return (await answer.json()).id;
    });
    for (const id of await Promise.all(uploads)) {
      for (;;) {
        const row = await cluster.video(id);
        if (row?.state === "ready") break;
        if (row?.state === "failed") throw new Error(JSON.stringify(row));
        await sleep(200);
      }
    }
    return (VIDEOS * SECONDS) / ((performance.now() - began) / 1000);
  } finally {
    cluster.close();
    for (const group of held) rmdirSync(group);
  }
}

let alone;
for (const workers of COUNTS) {
  const each = await measure(workers);
  alone ??= each;
  console.log(`${workers} workers at ${SHARE} of a core each: ${each.toFixed(3)} s of media per second and worker, `
    + `${Math.round((100 * each) / alone)} % of one alone`);
}

// Throughput of 1, 2, 4 and 8 workers, each held to the same share of a core (`SHARE`, 0.2) by a
// control group, in the middle of a backlog that outlasts the measurement: segments stored per
// second and worker, from the slope of their number over time. One alone is measured first and
// last. Needs root and the cpu controller. `WORKERS=1,8` are others, `SPAN` seconds each.
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Cluster, sample } from "../tests/cluster/cluster.mjs";

const SHARE = Number(process.env.SHARE ?? 0.2);
const COUNTS = (process.env.WORKERS ?? "1,2,4,8,1").split(",").map(Number);
const SPAN = Number(process.env.SPAN ?? 120);
/** A video of so many minutes for each worker, and two more. */
const MINUTES = 5;
/** Segments left at the end for each worker: more than it has in hand and has been offered. */
const LEFT = 100;
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

/** When each segment was stored, in seconds: an object is a file of the store that tests have. */
function stored(cluster) {
  const folder = join(cluster.folder, "s3/data/reelmill");
  const files = readdirSync(folder, { recursive: true }).filter((file) => file.endsWith(".m4s"));
  return files.map((file) => statSync(join(folder, file)).mtimeMs / 1000).sort((a, b) => a - b);
}

/** Least squares: how many more in each second. */
function slope(times) {
  const [t, n] = [times.reduce((sum, time) => sum + time, 0) / times.length, (times.length - 1) / 2];
  let [above, below] = [0, 0];
  times.forEach((time, number) => {
    above += (time - t) * (number - n);
    below += (time - t) ** 2;
  });
  return above / below;
}

/** Seconds that the processors were busy, all together. */
const busy = () => {
  const [user, nice, system, , , irq, softirq] = readFileSync("/proc/stat", "utf8").split(/\s+/).slice(1).map(Number);
  return (user + nice + system + irq + softirq) / 100;
};

async function measure(workers) {
  const cluster = Cluster.open({ origins: 1, workers });
  const held = cluster.workers.map((name) => hold(name, cluster.pid(name)));
  try {
    sample(cluster.folder, "minute.mp4", 60);
    const file = join(cluster.folder, "long.mp4");
    execFileSync("ffmpeg", ["-v", "error", "-stream_loop", String(MINUTES - 1), "-i", join(cluster.folder, "minute.mp4"), "-c", "copy", file]);
    const body = readFileSync(file);
    const ids = await Promise.all(Array.from({ length: workers + 2 }, async (_, n) => {
      const answer = await cluster.fetch(cluster.bases[0], `/api/v1/videos?title=${n}`, { method: "POST", body });
      return (await answer.json()).id;
    }));
    for (const id of ids) {
      while (!["playable", "ready"].includes((await cluster.video(id))?.state)) await sleep(200);
    }
    // Until what was begun for the first viewers is over.
    await sleep(20_000);
    const [began, spent] = [Date.now() / 1000, busy()];
    await sleep(SPAN * 1000);
    const times = stored(cluster).filter((time) => time >= began);
    const cores = (busy() - spent) / SPAN;
    let left = 0;
    for (const id of ids) {
      const { progress } = await cluster.video(id);
      left += progress.total - progress.made;
    }
    if (left < LEFT * workers) throw new Error(`the backlog was too short: ${left} segments are left`);
    return { each: slope(times) / workers, segments: times.length, cores };
  } finally {
    cluster.close();
    for (const group of held) rmdirSync(group);
  }
}

const measured = [];
for (const workers of COUNTS) {
  const { each, segments, cores } = await measure(workers);
  measured.push({ workers, each });
  console.log(`${workers} workers at ${SHARE} of a core each: ${each.toFixed(3)} segments per second and worker `
    + `(${segments} in ${SPAN} s; ${cores.toFixed(2)} cores busy)`);
}
const alone = measured.filter(({ workers }) => workers === 1);
const one = alone.reduce((sum, { each }) => sum + each, 0) / alone.length;
for (const { workers, each } of measured) console.log(`${workers}: ${((100 * each) / one).toFixed(1)} % of one alone`);

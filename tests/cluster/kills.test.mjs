// Workers are killed at random moments while there is always something to make. KILLS is how many
// times, SEED which run.
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Cluster, random, sample } from "./cluster.mjs";

const KILLS = Number(process.env.KILLS ?? 15);
const SEED = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31));
/** Segments of a chunk, in the four renditions that the sample has. */
const CHUNK = 8 * 4;

let cluster;
before(() => {
  process.env.RUST_LOG = "warn,pipeline=debug";
  cluster = Cluster.open({ origins: 1, workers: 3 });
});
after(() => cluster?.close());

test("workers that are killed lose nothing and little is made again", { timeout: (KILLS * 10 + 300) * 1000 }, async (t) => {
  t.diagnostic(`seed ${SEED}`);
  assert.ok(KILLS > 0, `KILLS=${process.env.KILLS} kills nothing`);
  const next = random(SEED);
  const body = sample(cluster.folder, "a.mp4", 30);
  const accepted = [];
  const state = async (id) => (await cluster.video(id))?.state;
  for (let kill = 0; kill < KILLS; kill++) {
    // Two are always in the making.
    const states = await Promise.all(accepted.slice(-3).map(state));
    if (states.filter((state) => state !== "ready").length < 2) {
      const answer = await cluster.fetch(cluster.bases[0], `/api/v1/videos?title=${kill}`, { method: "POST", body });
      assert.equal(answer.status, 201);
      accepted.push((await answer.json()).id);
    }
    await sleep(next() * 2500);
    const name = cluster.workers[Math.floor(next() * cluster.workers.length)];
    cluster.signal(name, "SIGKILL");
    await sleep(next() * 500);
    cluster.start(name);
  }
  const until = Date.now() + 280_000;
  for (const id of accepted) {
    while (await state(id) !== "ready") {
      assert.ok(Date.now() < until, `${id}: ${JSON.stringify(await cluster.video(id))}`);
      await sleep(250);
    }
  }
  let needed = 0;
  for (const id of accepted) {
    for (const path of await cluster.segments(cluster.bases[0], id)) {
      const answer = await cluster.fetch(cluster.bases[0], path, { method: "HEAD" });
      assert.equal(answer.status, 200, path);
      needed++;
    }
  }
  const logs = cluster.workers.flatMap((name) => [`${name}.log`, `${name}.earlier.log`]);
  const text = logs.map((log) => join(cluster.folder, log)).filter(existsSync).map((log) => readFileSync(log, "utf8")).join("\n");
  const made = text.split("\n").filter((line) => line.includes('"message":"a segment was made"')).length;
  t.diagnostic(`${KILLS} kills, ${accepted.length} videos: ${needed} segments needed, ${made} made`);
  assert.ok(made >= needed);
  assert.ok(made - needed <= KILLS * CHUNK, "at most a chunk for each kill");
});

// A worker stands still in the middle of a chunk for longer than its chunk is kept for it, and then
// goes on as if nothing had happened. PAUSED is for how many seconds.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Cluster, hash, sample } from "./cluster.mjs";

/** A chunk comes to others when its worker was not heard of for 30 s. */
const PAUSED = Number(process.env.PAUSED ?? 40);

let cluster;
before(() => {
  process.env.RUST_LOG = "warn,pipeline=debug";
  cluster = Cluster.open({ origins: 1, workers: 2 });
});
after(() => cluster?.close());

const made = (worker, id) => readFileSync(join(cluster.folder, worker + ".log"), "utf8").split("\n")
  .filter((line) => line.includes('"message":"a segment was made"') && line.includes(id)).length;

async function until(what, isSo, patience = 120) {
  for (const ends = Date.now() + patience * 1000; Date.now() < ends; await sleep(50)) {
    if (await isSo()) return;
  }
  assert.fail(`not in ${patience} s: ${what}`);
}

const isReady = (id) => async () => (await cluster.video(id))?.state === "ready";

async function upload(body) {
  const answer = await cluster.fetch(cluster.bases[0], "/api/v1/videos", { method: "POST", body });
  assert.equal(answer.status, 201);
  return (await answer.json()).id;
}

async function contents(id) {
  const found = new Map();
  for (const path of await cluster.segments(cluster.bases[0], id)) {
    const answer = await cluster.fetch(cluster.bases[0], path);
    assert.equal(answer.status, 200, path);
    found.set(path, hash(await answer.arrayBuffer()));
  }
  return found;
}

test("a worker that stood still longer than any lease does no harm", { timeout: (PAUSED + 300) * 1000 }, async (t) => {
  const body = sample(cluster.folder, "a.mp4", 80, "854x480");
  const id = await upload(body);
  let paused;
  // It has stored something of a chunk of several segments: most likely it has more to do.
  await until("somebody is at it", () => (paused = cluster.workers.find((worker) => made(worker, id) > 8)));
  cluster.signal(paused, "SIGSTOP");
  const began = Date.now();
  await until("the other makes all of it", isReady(id), 200);
  t.diagnostic(`ready ${((Date.now() - began) / 1000).toFixed(0)} s after ${paused} stood still`);
  const before = await contents(id);
  await sleep(Math.max(0, began + PAUSED * 1000 - Date.now()));
  const madeBefore = made(paused, id);
  cluster.signal(paused, "SIGCONT");
  // It goes on where it was, and is of use again.
  const short = sample(cluster.folder, "b.mp4", 20);
  await until("it works at something else", async () => {
    const next = await upload(short);
    await until("the next is ready", isReady(next));
    return made(paused, next) > 0;
  });
  t.diagnostic(`${made(paused, id) - madeBefore} segments were made once more`);
  assert.deepEqual(await contents(id), before);
  assert.equal((await cluster.video(id)).state, "ready");
});

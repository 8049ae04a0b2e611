// An origin without memory for segments serves what it has on disk while the object store is away,
// and when it has been killed meanwhile.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Cluster, hash, sample } from "./cluster.mjs";

let cluster;
before(() => {
  process.env.REELMILL_ORIGIN__CACHE = "1B";
  cluster = Cluster.open({ origins: 1, workers: 1 });
});
after(() => {
  delete process.env.REELMILL_ORIGIN__CACHE;
  cluster?.close();
});

test("what is on disk is served without the store, by the next process too", { timeout: 200_000 }, async () => {
  const body = sample(cluster.folder, "a.mp4", 16);
  const answer = await cluster.fetch(cluster.bases[0], "/api/v1/videos?title=a", { method: "POST", body });
  const { id } = await answer.json();
  while ((await cluster.video(id))?.state !== "ready") await sleep(200);
  const [kept, other] = await cluster.segments(cluster.bases[0], id);
  const get = async (path) => {
    const answer = await cluster.fetch(cluster.bases[0], path);
    return [answer.status, hash(await answer.arrayBuffer())];
  };
  const count = async (name) => {
    const text = await cluster.metrics("origin-1");
    return Number(text.match(new RegExp(`^reelmill_disk_cache_${name}_total (\\d+)$`, "m"))[1]);
  };
  const [status, first] = await get(kept);
  assert.equal(status, 200);
  assert.ok((await count("misses")) > 0);

  cluster.signal("s3", "SIGKILL");
  assert.equal((await get(other))[0], 503);
  // What is in memory goes when something else comes: sooner or later it is read from the disk.
  do assert.deepEqual(await get(kept), [200, first]); while ((await count("hits")) === 0);

  // A process starts only where all its stores answer.
  cluster.start("s3");
  cluster.signal("origin-1", "SIGKILL");
  cluster.start("origin-1");
  cluster.signal("s3", "SIGKILL");
  assert.deepEqual(await get(kept), [200, first]);
  assert.ok((await count("hits")) > 0);
});

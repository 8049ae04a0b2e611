// A bucket that is full, step by step, as stores say it that count (tests/cluster/bucket.mjs).
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { bucketBefore } from "./bucket.mjs";
import { Cluster, sample } from "./cluster.mjs";

const services = join(import.meta.dirname, "../../deploy/services.sh");

let cluster, bucket, body, long;
before(async () => {
  const at = process.env.CLUSTER_SERVERS;
  assert.ok(at, "CLUSTER_SERVERS names the folder of the servers");
  const store = execFileSync(services, ["up", "s3", join(at, "s3")], { encoding: "utf8" }).trim();
  bucket = await bucketBefore(store);
  process.env.REELMILL_CLUSTER__OBJECTS__ENDPOINT = bucket.url;
  cluster = Cluster.open({ origins: 1, workers: 1 });
  body = sample(cluster.folder, "a.mp4", 8);
  long = sample(cluster.folder, "long.mp4", 90);
});
after(async () => {
  delete process.env.REELMILL_CLUSTER__OBJECTS__ENDPOINT;
  cluster?.close();
  await bucket?.close();
});

test("a full bucket fails no video, refuses uploads, lets things be deleted, and all goes on when there is room", { timeout: 240_000 }, async (t) => {
  const [base] = cluster.bases;
  const upload = (source) => cluster.fetch(base, "/api/v1/videos?title=a", { method: "POST", body: source });
  const created = async (source) => {
    const answer = await upload(source);
    assert.equal(answer.status, 201);
    return (await answer.json()).id;
  };
  const until = async (id, states) => {
    for (const ends = Date.now() + 120_000; ;) {
      const video = await cluster.video(id);
      if (states.includes(video?.state)) return video;
      assert.notEqual(video?.state, "failed", JSON.stringify(video?.error));
      assert.ok(Date.now() < ends, `${id} is ${video?.state}`);
      await sleep(100);
    }
  };
  const ready = await created(body);
  await until(ready, ["ready"]);
  const begun = await created(long);
  await until(begun, ["playable"]);
  const made = () => cluster.stored(begun).filter((path) => path.endsWith(".m4s")).length;
  for (const ends = Date.now() + 60_000; made() < 8;) {
    assert.ok(Date.now() < ends, `${made()} segments`);
    await sleep(50);
  }

  bucket.full = true;
  // The worker meets each of the answers, and goes on trying.
  for (const ends = Date.now() + 60_000; bucket.refused < 2 * bucket.kinds;) {
    assert.ok(Date.now() < ends, `${bucket.refused} refusals`);
    await sleep(50);
  }
  const answer = await upload(body);
  assert.equal(answer.status, 507, await answer.text());
  const refused = bucket.refused;
  const next = await upload(body);
  assert.equal(next.status, 507, await next.text());
  const told = bucket.refused - refused;
  // Who watches what is there goes on; what is missing is said to come later, and no filler takes its place.
  const paths = await cluster.segments(base, ready);
  const served = await cluster.fetch(base, paths.at(-1));
  assert.equal(served.status, 200);
  await served.arrayBuffer();
  const missing = (await cluster.segments(base, begun)).filter((path) => path.includes("/v")).at(-1);
  const later = await cluster.fetch(base, missing);
  assert.equal(later.status, 503);
  assert.ok(Number(later.headers.get("retry-after")) > 0);
  const said = await fetch(base + "/readyz");
  assert.equal(said.status, 200, "what is stored can be served");
  const parts = (await said.text()).trim().replaceAll("\n", "; ");
  assert.match(parts, /ok, in part;.*space: none for new media/);
  assert.match(await cluster.metrics("origin-1"), /^reelmill_store_free_bytes 0$/m);
  t.diagnostic(`/readyz: ${parts}; ${told} requests to the store for an upload that was refused in advance`);
  const removed = await cluster.fetch(base, `/api/v1/videos/${ready}`, { method: "DELETE" });
  assert.ok(removed.ok, `${removed.status}`);
  assert.equal((await cluster.fetch(base, paths.at(-1))).status, 404);
  assert.equal((await cluster.video(begun)).state, "playable");
  // Neither process has ended.
  for (const name of ["origin-1", "worker-1"]) process.kill(cluster.pid(name), 0);

  bucket.full = false;
  const back = Date.now();
  await until(begun, ["ready"]);
  t.diagnostic(`${bucket.refused} refusals; ready ${((Date.now() - back) / 1000).toFixed(1)} s after there was room`);
  // The origin finds out by a try of its own, half a minute after it was last refused.
  let taken = await upload(body);
  for (; taken.status === 507 && Date.now() < back + 40_000; taken = await upload(body)) await sleep(500);
  assert.equal(taken.status, 201, await taken.clone().text());
  t.diagnostic(`an upload is taken ${((Date.now() - back) / 1000).toFixed(1)} s after there was room`);
  await until((await taken.json()).id, ["ready"]);
});

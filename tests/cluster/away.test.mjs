// The object store, the rows, and then messages are away for a while under uploads and playback, of three origins behind
// nginx. AWAY is how many seconds each.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Cluster, sample } from "./cluster.mjs";
import { inFrontOf } from "./nginx.mjs";

const AWAY = Number(process.env.AWAY ?? 12);

let cluster, body, front;
before(async () => {
  cluster = Cluster.open({ origins: 3, workers: 2 });
  front = await inFrontOf(cluster.bases, cluster.folder);
  body = sample(cluster.folder, "a.mp4", 24);
});
after(async () => {
  await front?.close();
  cluster?.close();
});

const outages = [
  ["the object store", "objects", () => cluster.signal("s3", "SIGKILL"), () => cluster.start("s3")],
  ["the rows", "metadata", () => cluster.signal("cql", "SIGSTOP"), () => cluster.signal("cql", "SIGCONT")],
];

/** How long it may take until every origin says what does not answer. */
const SAID_MS = 15_000;

/** Every origin stays in service, says at once what is away, and serves what is in its memory. */
async function stayInService(part, path) {
  for (const base of cluster.bases) {
    const began = Date.now();
    const answer = await fetch(base + "/readyz", { signal: AbortSignal.timeout(5000) });
    const said = await answer.text();
    assert.equal(answer.status, 200, said);
    assert.ok(Date.now() - began < 1500, `${base} took ${Date.now() - began} ms`);
    const served = await cluster.fetch(base, path);
    assert.equal(served.status, 200, `${base} serves what it has`);
    await served.arrayBuffer();
    if (said.includes(`${part}: no answer`)) continue;
    return false;
  }
  return true;
}

for (const [what, part, leave, come] of outages) {
  test(`${what} away: what is in memory is served, the rest later, nothing is lost`, { timeout: (AWAY + 200) * 1000 }, async (t) => {
    assert.ok(AWAY > 0, `AWAY=${process.env.AWAY} is no time`);
    const upload = () => cluster.fetch(cluster.bases[0], "/api/v1/videos?title=a", { method: "POST", body });
    const accepted = await upload();
    assert.equal(accepted.status, 201);
    const { id } = await accepted.json();
    let paths;
    while (!paths?.length) paths = await cluster.segments(cluster.bases[0], id).catch(() => sleep(200));
    const get = (path) => cluster.fetch(cluster.bases[0], path);
    // In every origin's memory now, and the video known to be there; of the later half nothing is.
    const warmed = paths.slice(0, paths.length / 2);
    const later = paths.slice(warmed.length);
    for (const path of warmed) {
      for (const base of cluster.bases) {
        const answer = await cluster.fetch(base, path);
        assert.equal(answer.status, 200);
        await answer.arrayBuffer();
      }
    }
    const served = { HIT: 0, MISS: 0 };
    leave();
    const statuses = {};
    const ends = Date.now() + AWAY * 1000;
    let turn = 0;
    while (Date.now() < ends) {
      // Behind nginx, which has not seen it yet the first time, any of them serves it.
      const warm = await cluster.fetch(front.base, warmed[turn % warmed.length]);
      assert.equal(warm.status, 200, "what is in memory is served");
      await warm.arrayBuffer();
      served[warm.headers.get("x-cache")] += 1;
      await stayInService(part, warmed[0]);
      const answer = await get(later[turn % later.length]);
      turn += 1;
      statuses[answer.status] = (statuses[answer.status] ?? 0) + 1;
      if (answer.status === 503) assert.ok(Number(answer.headers.get("retry-after")) > 0);
      await answer.arrayBuffer();
      await sleep(100);
    }
    let isSaid = false;
    for (const late = Date.now() + SAID_MS; !isSaid && Date.now() < late;) isSaid = await stayInService(part, warmed[0]);
    come();
    assert.ok(isSaid, `/readyz says that ${part} do not answer`);
    t.diagnostic(`${JSON.stringify(statuses)} for what was not in memory; behind nginx ${JSON.stringify(served)} for what was`);
    assert.ok(served.MISS > 0, "origins were asked");
    assert.deepEqual(Object.keys(statuses).filter((status) => !["200", "503"].includes(status)), []);
    const back = Date.now();
    let state;
    while (state !== "ready") {
      assert.notEqual(state, "failed");
      assert.ok(Date.now() < back + 180_000, `${state}`);
      await sleep(250);
      state = (await cluster.video(id))?.state;
    }
    t.diagnostic(`ready ${Math.round((Date.now() - back) / 1000)} s after it was back`);
    // An origin leaves alone for up to four seconds what did not answer.
    for (const base of cluster.bases) {
      for (;;) {
        const answer = await cluster.fetch(base, `/v/${id}/master.m3u8`);
        await answer.arrayBuffer();
        if (answer.status === 200) break;
        assert.equal(answer.status, 503);
        assert.ok(Date.now() < back + 180_000 && answer.headers.get("retry-after"), `${base} does not come back`);
        await sleep(200);
      }
    }
    t.diagnostic(`every origin serves manifests ${((Date.now() - back) / 1000).toFixed(1)} s after it was back`);
    for (const path of await cluster.segments(cluster.bases[0], id)) {
      assert.equal((await get(path)).status, 200, path);
    }
    assert.equal((await upload()).status, 201);
  });
}

/** Longer than a request for a missing segment is held. */
const HELD_MS = 9_500;
/** How soon after messages are back what is missing is made. */
const BACK_MS = 2_000;

test("messages away: no upload is lost, what is stored is served, the rest is made at once when they are back", { timeout: (5 * AWAY + 300) * 1000 }, async (t) => {
  const [base] = cluster.bases;
  const get = (path) => cluster.fetch(base, path);
  const upload = async (source) => {
    const answer = await cluster.fetch(base, "/api/v1/videos?title=a", { method: "POST", body: source });
    assert.equal(answer.status, 201, await answer.clone().text());
    return (await answer.json()).id;
  };
  const until = async (id, states) => {
    for (const ends = Date.now() + 180_000; ;) {
      const video = await cluster.video(id);
      if (states.includes(video?.state)) return video;
      assert.notEqual(video?.state, "failed", JSON.stringify(video?.error));
      assert.ok(Date.now() < ends, `${id} is ${video?.state}`);
      await sleep(100);
    }
  };
  const stored = await upload(body);
  await until(stored, ["ready"]);
  const [served] = await cluster.segments(base, stored);
  assert.equal((await get(served)).status, 200);
  // So long that most of it is not made yet.
  const long = await upload(sample(cluster.folder, "long.mp4", 120));
  await until(long, ["playable"]);
  const missing = (await cluster.segments(base, long)).filter((path) => path.includes("/v")).at(-1);
  const made = () => cluster.stored(long).filter((path) => path.endsWith(".m4s")).length;
  // Workers are in the middle of it.
  for (const ends = Date.now() + 60_000; made() < 12;) {
    assert.ok(Date.now() < ends, `${made()} segments`);
    await sleep(50);
  }

  cluster.signal("nats", "SIGKILL");
  const before = made();
  const uploads = [];
  let slowest = 0, refused = 0;
  const held = (async () => {
    for (const ends = Date.now() + AWAY * 1000; Date.now() < ends;) {
      const began = Date.now();
      const answer = await get(missing);
      await answer.arrayBuffer();
      assert.equal(answer.status, 503, "nobody can be asked for it");
      refused += 1;
      slowest = Math.max(slowest, Date.now() - began);
    }
  })();
  for (const ends = Date.now() + AWAY * 1000; Date.now() < ends;) {
    uploads.push(await upload(body));
    for (const base of [...cluster.bases, front.base]) {
      const answer = await cluster.fetch(base, served);
      await answer.arrayBuffer();
      assert.equal(answer.status, 200);
    }
    for (const other of cluster.bases) {
      const ready = await fetch(other + "/readyz");
      assert.equal(ready.status, 200, await ready.text());
    }
    await sleep(500);
  }
  await held;
  assert.ok(slowest < HELD_MS, `${slowest} ms`);
  const meanwhile = made();
  assert.ok(meanwhile > before, `what was in hand went on: ${before}, then ${meanwhile}`);

  cluster.start("nats");
  const back = Date.now();
  for (;;) {
    const answer = await get(missing);
    await answer.arrayBuffer();
    if (answer.status === 200) break;
    await sleep(50);
  }
  const took = Date.now() - back;
  t.diagnostic(`${uploads.length} uploads, ${refused} requests for what was missing, held up to ${slowest} ms; it came ${took} ms after messages were back`);
  assert.ok(took < BACK_MS, `${took} ms`);
  for (const id of uploads) await until(id, ["playable", "ready"]);
  // Of so many that it would take long to make all of them, one.
  const [first, ...others] = uploads;
  for (const id of others) {
    const deleted = await cluster.fetch(base, `/api/v1/videos/${id}`, { method: "DELETE" });
    assert.ok(deleted.ok, `${deleted.status}`);
  }
  await until(first, ["ready"]);
});

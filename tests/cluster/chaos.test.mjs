// Origins, workers and their stores are killed and paused at random under steady uploads and
// playback; then everything that was accepted is counted. CHAOS is how many seconds, SEED which
// run.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Cluster, hash, random, sample } from "./cluster.mjs";

const SECONDS = Number(process.env.CHAOS ?? 60);
const SEED = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31));
/** Everything is made in this time once nothing is killed any more. */
const HEALED = 240_000;

/** What happens, and to how many of ten. */
const SHARES = {
  "a worker killed": 4, "a worker paused": 2, "an origin killed": 1, "nats killed": 1, "s3 killed": 1, "cql paused": 1,
};
const KINDS = Object.keys(SHARES);

/** Videos that are not ready at any time. */
const BACKLOG = 30;

let cluster;
before(() => { cluster = Cluster.open({ origins: 2, workers: 3 }); });
after(() => cluster?.close());

test("nothing accepted is lost, nothing is published twice", { timeout: (SECONDS + 400) * 1000 }, async (t) => {
  t.diagnostic(`seed ${SEED}`);
  assert.ok(SECONDS > 0, `CHAOS=${process.env.CHAOS} is no time`);
  const next = random(SEED);
  const pick = (list) => list[Math.floor(next() * list.length)];
  const bodies = [sample(cluster.folder, "a.mp4", 7), sample(cluster.folder, "b.mp4", 16)];
  const ends = Date.now() + SECONDS * 1000;
  const [accepted, seen, statuses, deeds] = [[], new Map(), {}, {}];

  /** The same path has the same bytes, whenever it is asked for and whoever made it. */
  const note = (path, bytes) => {
    const before = seen.get(path);
    const now = hash(bytes);
    assert.equal(now, before ?? now, `${path} has changed`);
    seen.set(path, now);
  };

  /** As steadily as they are made: a backlog of an hour would only say how fast the machine is. */
  const uploads = async () => {
    const open = new Set();
    for (let n = 0; Date.now() < ends; n++) {
      for (const id of open) if ((await cluster.video(id))?.state === "ready") open.delete(id);
      if (open.size < BACKLOG) try {
        const answer = await cluster.fetch(pick(cluster.bases), `/api/v1/videos?title=${n}`, {
          method: "POST", body: bodies[n % bodies.length],
        });
        if (answer.status === 201) {
          const { id } = await answer.json();
          accepted.push(id);
          open.add(id);
        }
      } catch {}
      await sleep(3000);
    }
  };

  const playback = async () => {
    while (Date.now() < ends) {
      await sleep(150);
      if (accepted.length === 0) continue;
      try {
        const segments = await cluster.segments(pick(cluster.bases), pick(accepted));
        const path = pick(segments);
        const answer = await cluster.fetch(pick(cluster.bases), path);
        statuses[answer.status] = (statuses[answer.status] ?? 0) + 1;
        if (answer.ok) note(path, await answer.arrayBuffer());
        else await answer.body?.cancel();
      } catch (error) {
        if (error.code === "ERR_ASSERTION") throw error;
      }
    }
  };

  const trouble = async () => {
    // Each kind once, in some order, and then as often as it is likely.
    const first = KINDS.map((what) => [next(), what]).sort(([a], [b]) => a - b).map(([, what]) => what);
    const likely = KINDS.flatMap((what) => Array(SHARES[what]).fill(what));
    while (first.length || Date.now() < ends) {
      await sleep(500 + next() * 2500);
      const what = first.pop() ?? pick(likely);
      const worker = pick(cluster.workers);
      deeds[what] = (deeds[what] ?? 0) + 1;
      const name = { origin: pick(cluster.origins), nats: "nats", s3: "s3", cql: "cql" }[what.split(" ").at(-2)] ?? worker;
      const paused = what.endsWith("paused");
      cluster.signal(name, paused ? "SIGSTOP" : "SIGKILL");
      await sleep(next() * 4000);
      if (paused) cluster.signal(name, "SIGCONT");
      else cluster.start(name);
    }
  };

  await Promise.all([uploads(), playback(), playback(), trouble()]);
  t.diagnostic(`${accepted.length} uploads accepted; ${JSON.stringify(deeds)}; segments: ${JSON.stringify(statuses)}`);
  assert.ok(accepted.length > 0, "something was accepted");
  assert.equal(Object.keys(deeds).length, KINDS.length, "each kind of trouble has come");
  const wrong = Object.keys(statuses).filter((status) => !["200", "503"].includes(status));
  assert.deepEqual(wrong, [], "a listed segment is there, or will be");

  const healed = Date.now() + HEALED;
  for (const id of accepted) {
    let row;
    do {
      await sleep(250);
      row = await cluster.video(id);
    } while (row?.state !== "ready" && row?.state !== "failed" && Date.now() < healed);
    assert.equal(row?.state, "ready", `${id}: ${JSON.stringify(row)}`);
  }
  t.diagnostic(`all ready ${Math.round((HEALED - (healed - Date.now())) / 1000)} s after the last trouble`);
  let count = 0;
  for (const id of accepted) {
    for (const path of await cluster.segments(cluster.bases[0], id)) {
      for (const base of cluster.bases) {
        const answer = await cluster.fetch(base, path);
        assert.equal(answer.status, 200, path);
        note(path, await answer.arrayBuffer());
        count++;
      }
    }
  }
  t.diagnostic(`${count} segments as they were`);
});

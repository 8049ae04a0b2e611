// The object store, and then the rows, are away for a while under uploads and playback. AWAY is how
// many seconds each.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Cluster, sample } from "./cluster.mjs";

const AWAY = Number(process.env.AWAY ?? 12);

let cluster, body;
before(() => {
  cluster = Cluster.open({ origins: 1, workers: 2 });
  body = sample(cluster.folder, "a.mp4", 24);
});
after(() => cluster?.close());

const outages = [
  ["the object store", () => cluster.signal("s3", "SIGKILL"), () => cluster.start("s3")],
  ["the rows", () => cluster.signal("cql", "SIGSTOP"), () => cluster.signal("cql", "SIGCONT")],
];

for (const [what, leave, come] of outages) {
  test(`${what} away: what is in memory is served, the rest later, nothing is lost`, { timeout: (AWAY + 200) * 1000 }, async (t) => {
    assert.ok(AWAY > 0, `AWAY=${process.env.AWAY} is no time`);
    const upload = () => cluster.fetch(cluster.bases[0], "/api/v1/videos?title=a", { method: "POST", body });
    const accepted = await upload();
    assert.equal(accepted.status, 201);
    const { id } = await accepted.json();
    let paths;
    while (!paths?.length) paths = await cluster.segments(cluster.bases[0], id).catch(() => sleep(200));
    const get = (path) => cluster.fetch(cluster.bases[0], path);
    // In memory now, and the video known to be there.
    assert.equal((await get(paths[0])).status, 200);
    leave();
    const statuses = {};
    const ends = Date.now() + AWAY * 1000;
    let cold = paths.length;
    while (Date.now() < ends) {
      const warm = await get(paths[0]);
      assert.equal(warm.status, 200, "what is in memory is served");
      await warm.arrayBuffer();
      cold -= 1;
      const answer = await get(paths[Math.max(cold, 1)]);
      statuses[answer.status] = (statuses[answer.status] ?? 0) + 1;
      if (answer.status === 503) assert.ok(Number(answer.headers.get("retry-after")) > 0);
      await answer.arrayBuffer();
      await sleep(100);
    }
    come();
    t.diagnostic(`${JSON.stringify(statuses)} for what was not in memory`);
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
    for (const path of await cluster.segments(cluster.bases[0], id)) {
      assert.equal((await get(path)).status, 200, path);
    }
    assert.equal((await upload()).status, 201);
  });
}

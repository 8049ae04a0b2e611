// The server is killed in the middle of its work; the next start goes on where it was, and
// nothing that was published changes.
import { test } from "node:test";
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { House, sample } from "./house.mjs";

/** Every stored segment and init segment with the hash of its bytes. */
function published(house, id) {
  const root = join(house.data, "objects", "videos", id, "m");
  const files = readdirSync(root, { recursive: true }).filter((name) => statSync(join(root, name)).isFile());
  const hash = (name) => createHash("sha256").update(readFileSync(join(root, name))).digest("hex");
  return new Map(files.map((name) => [name, hash(name)]));
}

/** Numbers from 0 to 1, the same in every run. */
function seeded(state) {
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

test("a killed server loses at most what was in its hands", async (t) => {
  const house = await House.open({ browser: false, own: true });
  t.after(() => house.close());
  const kills = Number(process.env.KILLS ?? 4);
  assert.ok(kills > 0, `KILLS=${process.env.KILLS} kills nothing`);
  const { id } = await house.upload(sample(house.folder, "long.mp4", Math.max(40, 12 * kills), "854x480"));
  await house.until(id, ["playable"]);
  let before = new Map();
  const random = seeded(1);
  for (let kill = 0; kill < kills; kill++) {
    // At any moment after some more segments are there, that of an event least of all.
    const goal = before.size + 1 + Math.floor(random() * 4);
    const events = await fetch(`${house.base}/events?video=${id}`);
    for await (const piece of events.body) {
      const status = Buffer.from(piece).toString().match(/"made":(\d+)/);
      if (status && Number(status[1]) >= goal) break;
      assert.ok(!String(Buffer.from(piece)).includes('"ready"'), `ready after ${kill} kills: the sample is too short`);
    }
    await pause(random() * 200);
    await house.crash();
    const now = published(house, id);
    for (const [name, hash] of before) assert.equal(now.get(name), hash, name + " was published twice");
    before = now;
    await house.start();
  }
  const end = await house.until(id, ["ready", "failed"]);
  assert.equal(end.state, "ready");
  const after = published(house, id);
  for (const [name, hash] of before) assert.equal(after.get(name), hash, name + " was published twice");
  const row = await (await house.api("/api/v1/videos/" + id)).json();
  assert.deepEqual(row.notes, [], "no filler");
});

// Our page in WebKitGTK.
import { test, before, after } from "node:test";
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { House } from "./house.mjs";
import { WebKit } from "./webkit.mjs";

let house, id, webkit;

before(async () => {
  house = await House.open({ browser: false });
  id = await house.sampleVideo();
  await house.until(id, ["ready"]);
  webkit = await WebKit.open();
}, { timeout: 120_000 });
after(async () => {
  await webkit?.close();
  await house.close();
});

test("our page plays and offers its rungs", { timeout: 60_000 }, async () => {
  await webkit.resize(390, 844);
  await webkit.goto(`${house.base}/watch/${id}`);
  const seen = await webkit.evaluate(`(async () => {
    const v = document.getElementById("video");
    const problems = [];
    addEventListener("error", (event) => problems.push(event.message));
    addEventListener("unhandledrejection", (event) => problems.push(String(event.reason)));
    // It does not start with sound by itself.
    v.muted = true;
    await v.play();
    const late = new Promise((_, no) => setTimeout(() => no(new Error("stuck at " + v.currentTime)), 30000));
    await Promise.race([late, new Promise((done) => v.addEventListener("timeupdate", () => v.currentTime > 1 && done()))]);
    const menu = [...document.querySelectorAll("#quality option")].map((option) => option.textContent);
    return { problems, menu, error: v.error?.message ?? null, width: v.videoWidth };
  })()`);
  if (process.env.SCREENSHOTS) writeFileSync(process.env.SCREENSHOTS + "/watch-webkit.png", await webkit.screenshot());
  assert.deepEqual(seen.problems, []);
  assert.equal(seen.error, null);
  assert.ok(seen.width > 0);
  assert.ok(seen.menu.length >= 4, "all rungs are in the menu: " + seen.menu);
});

#!/usr/bin/env node
// Runs the tests of a whole cluster: first those that take its servers away, one after the other, then
// those that leave them alone, beside each other, a browser's among them.
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { runBeside } from "../../deploy/beside.mjs";

/** Files whose clusters may share the servers of S3, CQL and NATS at the same time. */
const CALM = ["pause.test.mjs", "kills.test.mjs", "direct.test.mjs"];
/** Their processes fill both cores, but for pauses. */
const CALM_AT_ONCE = 2;

const cwd = import.meta.dirname;
const job = (folder, name, env = {}) => ({
  name, program: process.execPath, args: ["--test", "--test-reporter=spec", name], cwd: folder, env: { ...process.env, ...env },
});
const files = readdirSync(cwd).filter((name) => name.endsWith(".test.mjs"));
const alone = files.filter((name) => !CALM.includes(name)).map((name) => job(cwd, name));
const calm = CALM.map((name) => job(cwd, name));
calm.push(job(join(cwd, "../browser"), "play.test.mjs", { REELMILL_CLUSTER: "1" }));
const isOk = [await runBeside(alone, 1), await runBeside(calm, CALM_AT_ONCE)];
process.exit(isOk.every(Boolean) ? 0 : 1);

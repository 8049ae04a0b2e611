#!/usr/bin/env node
// Runs the workspace's test programs (`cargo test`), several at a time, and prints what each says once it
// has ended, then a table of their times. Arguments go to every program: `test-programs.mjs --skip slow`.
//
// They run beside each other because most wait for processes, servers or time limits and leave a core idle.
// Programs start in the order of ORDER, the longest first, so that none is left over at the end.
import { spawn, spawnSync } from "node:child_process";
import { dirname } from "node:path";

const AT_ONCE = Number(process.env.PROGRAMS_AT_ONCE ?? 2);
/** The longest ones, by package and target. */
const ORDER = ["engine engine", "pipeline mutants", "store cluster", "pipeline simulated", "pipeline videos", "reelmill program"];
/** Those of samples, which say what they took and with which seed. */
const TALKATIVE = ["engine engine", "pipeline mutants", "pipeline simulated"];

/** Every test program that cargo has built, or builds now. */
function programs() {
  const { stdout: said, status } = spawnSync("cargo",
    ["test", "--workspace", "--lib", "--bins", "--tests", "--locked", "--no-run", "--message-format=json-render-diagnostics"],
    { stdio: ["ignore", "pipe", "inherit"], maxBuffer: 256 << 20, encoding: "utf8" });
  if (status !== 0) process.exit(1);
  const messages = said.split("\n").filter((line) => line.startsWith("{")).map((line) => JSON.parse(line));
  return messages.filter(({ executable, profile }) => executable && profile.test).map((message) => {
    const folder = dirname(message.manifest_path);
    const [, last, named] = message.package_id.match(/([^/#]+)#(?:([^#@]+)@)?[^#]*$/);
    const crate = (named ?? last).replace(/^reelmill-/, "");
    const { name, kind } = message.target;
    return { name: `${crate} ${kind[0] === "test" ? name : "unit tests"}`, executable: message.executable, folder };
  });
}

/** Runs one program and resolves to whether it succeeded; its output comes in one piece. */
function run({ name, executable, folder }, times) {
  const began = Date.now();
  return new Promise((done) => {
    const output = TALKATIVE.includes(name) ? ["--show-output"] : [];
    const child = spawn(executable, [...process.argv.slice(2), ...output], { cwd: folder, stdio: ["ignore", "pipe", "pipe"] });
    const pieces = [];
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (piece) => pieces.push(piece));
    child.on("close", (code, signal) => {
      const seconds = (Date.now() - began) / 1000;
      times.push({ name, seconds, isOk: code === 0 });
      const ended = code === 0 ? "" : `, ended with ${signal ?? code}`;
      console.log(`-- ${name}: ${seconds.toFixed(1)} s${ended}\n${Buffer.concat(pieces)}`);
      done(code === 0);
    });
  });
}

const place = ({ name }) => (ORDER.indexOf(name) + 1 || ORDER.length + 1);
const waiting = programs().sort((a, b) => place(a) - place(b));
const unknown = ORDER.filter((name) => !waiting.some((program) => program.name === name));
if (unknown.length) throw new Error(`no such test program: ${unknown.join(", ")}`);
const times = [];
const worker = async () => {
  for (let next = waiting.shift(); next; next = waiting.shift()) await run(next, times);
};
await Promise.all(Array.from({ length: AT_ONCE }, worker));

for (const { name, seconds } of times.toSorted((a, b) => b.seconds - a.seconds)) {
  console.log(`${seconds.toFixed(1).padStart(8)} s  ${name}`);
}
const failed = times.filter(({ isOk }) => !isOk).map(({ name }) => name);
console.log(failed.length ? `failed: ${failed.join(", ")}` : `${times.length} test programs succeeded`);
process.exit(failed.length ? 1 : 0);

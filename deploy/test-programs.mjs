#!/usr/bin/env node
// Runs the workspace's test programs (`cargo test`), several at a time. Arguments go to every program:
// `test-programs.mjs --skip slow`.
//
// Several run at a time because most of them wait for processes, servers or time limits and leave a core idle.
// The longest programs start first, in the order of ORDER, so that no long one is left over at the end.
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, statfsSync } from "node:fs";
import { dirname, join } from "node:path";
import { runBeside } from "./beside.mjs";

const AT_ONCE = Number(process.env.PROGRAMS_AT_ONCE ?? 2);
/** Test programs that take longest, by package and target. */
const ORDER = ["engine engine", "pipeline mutants", "store cluster", "pipeline simulated", "pipeline videos", "reelmill program"];
/** Test programs that need a real disk; the others write to memory if there is room for it. */
const ON_DISK = ["store local", "store disk_cache"];
const MEMORY = "/dev/shm";
const ROOM_BYTES = 4 * 2 ** 30;
/** Test programs that mostly wait for servers or for time: more of their tests run at a time. */
const WAITING = ["store cluster", "pipeline simulated"];
/** Test programs that choose samples and print the choice and its seed. */
const TALKATIVE = ["engine engine", "pipeline mutants", "pipeline simulated"];

/** Builds the test programs, if necessary, and returns all of them. */
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

const place = ({ name }) => (ORDER.indexOf(name) + 1 || ORDER.length + 1);
const waiting = programs().sort((a, b) => place(a) - place(b));
const unknown = ORDER.filter((name) => !waiting.some((program) => program.name === name));
if (unknown.length) throw new Error(`no such test program: ${unknown.join(", ")}`);
const inMemory = folderInMemory();
const jobs = waiting.map(({ name, executable, folder }) => {
  const args = process.argv.slice(2);
  if (TALKATIVE.includes(name)) args.push("--show-output");
  if (WAITING.includes(name)) args.push("--test-threads=6");
  const env = { ...process.env };
  if (inMemory && !ON_DISK.includes(name)) env.TMPDIR = inMemory;
  return { name, program: executable, args, cwd: folder, env };
});
const isOk = await runBeside(jobs, AT_ONCE);
if (inMemory) rmSync(inMemory, { recursive: true, force: true });
process.exit(isOk ? 0 : 1);

/** Creates a folder in memory, if there is room for it. */
function folderInMemory() {
  const { bavail, bsize } = existsSync(MEMORY) ? statfsSync(MEMORY) : { bavail: 0, bsize: 0 };
  if (bavail * bsize >= ROOM_BYTES) return mkdtempSync(join(MEMORY, "reelmill-tests-"));
  console.log(`${MEMORY} has no room for ${ROOM_BYTES} bytes: all tests write to the disk, and take longer`);
  return undefined;
}

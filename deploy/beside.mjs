// Runs several programs at the same time. The output of each is printed in one piece when the program has ended; a
// table of their times follows at the end.
import { spawn } from "node:child_process";

/** Runs all `jobs` ({ name, program, args, cwd, env }) in this order, `atOnce` at a time. Resolves to whether all of
 *  them succeeded. */
export async function runBeside(jobs, atOnce) {
  const waiting = [...jobs];
  const times = [];
  const worker = async () => {
    for (let job = waiting.shift(); job; job = waiting.shift()) times.push(await run(job));
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  for (const { name, seconds } of times.toSorted((a, b) => b.seconds - a.seconds)) {
    console.log(`${seconds.toFixed(1).padStart(8)} s  ${name}`);
  }
  const failed = times.filter(({ isOk }) => !isOk).map(({ name }) => name);
  console.log(failed.length ? `failed: ${failed.join(", ")}` : `all ${times.length} succeeded`);
  return failed.length === 0;
}

function run({ name, program, args, cwd, env = process.env }) {
  const began = Date.now();
  return new Promise((done) => {
    const child = spawn(program, args, { cwd, env, stdio: ["ignore", "pipe", "pipe"] });
    const pieces = [];
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (piece) => pieces.push(piece));
    child.on("close", (code, signal) => {
      const seconds = (Date.now() - began) / 1000;
      const ended = code === 0 ? "" : `, ended with ${signal ?? code}`;
      console.log(`-- ${name}: ${seconds.toFixed(1)} s${ended}\n${Buffer.concat(pieces)}`);
      done({ name, seconds, isOk: code === 0 });
    });
  });
}

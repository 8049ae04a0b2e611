// Runs programs to their end.
import { execFile } from "node:child_process";

/** Runs a program for at most a minute; resolves to what it said and the code with which it ended. A program
 *  that is not there is an error that names it. */
export function run(program, args, { seconds = 60, ...options } = {}) {
  return new Promise((done, fail) => {
    const settings = { timeout: seconds * 1000, killSignal: "SIGKILL", maxBuffer: 256 << 20, encoding: "buffer", ...options };
    execFile(program, args, settings, (error, stdout, stderr) => {
      if (error?.code === "ENOENT") return fail(new Error(`${program} is missing: \`deploy/install.sh test\` installs it`));
      if (error?.killed) return fail(new Error(`${program} did not end in ${seconds} s: ${stderr}`));
      done({ stdout, stderr: stderr.toString(), code: error ? error.code ?? error.signal : 0 });
    });
  });
}

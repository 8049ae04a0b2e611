// Readers that are programs in Python, since that is the language their library is bound to here.
import { run } from "../program.mjs";

/** Debian's own, which sees the modules of Debian's packages. */
const PYTHON = "/usr/bin/python3";

/** What such a program says in its last line. */
export async function pythonReader(name, args) {
  const { stdout, stderr, code } = await run(PYTHON, [new URL(name, import.meta.url).pathname, ...args.map(String)]);
  if (code) throw new Error(`${name} ended with ${code}, are the packages of \`deploy/install.sh test\` there? ${stderr}`);
  return JSON.parse(stdout.toString().trim().split("\n").at(-1));
}

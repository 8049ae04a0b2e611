// Memory of all processes together (proportional set size): idle, and while 1080p is encoded with
// `--memory 512MiB`, with a viewer who seeks. `memory.mjs [FILE]`.
import { readFileSync, readdirSync } from "node:fs";
import { House, everyday } from "./tools.mjs";

const house = await House.open({ browser: false, args: ["--memory", "512MiB"], env: { RUST_LOG: "info,pipeline=debug" } });
const file = process.argv[2] || everyday(house.folder);

/** The server's process and its engines, in bytes. */
function used() {
  const own = house.server.pid;
  const parents = new Map(readdirSync("/proc").filter((name) => /^\d+$/.test(name)).map((pid) => [Number(pid), parent(pid)]));
  let total = 0;
  for (const [pid] of parents) {
    if (pid !== own && parents.get(pid) !== own) continue;
    try {
      total += Number(readFileSync(`/proc/${pid}/smaps_rollup`, "utf8").match(/^Pss:\s+(\d+)/m)[1]) * 1024;
    } catch { /* it ended meanwhile */ }
  }
  return total;
}

function parent(pid) {
  try {
    return Number(readFileSync(`/proc/${pid}/stat`, "utf8").replace(/.*\) \S /, "").split(" ")[0]);
  } catch {
    return 0;
  }
}

const mebibytes = (bytes) => (bytes / 2 ** 20).toFixed(0) + " MiB";
console.log("memory, idle: " + mebibytes(used()));
let peak = 0;
const watching = setInterval(() => { peak = Math.max(peak, used()); }, 100);
const { id } = await house.upload(file);
await house.playable(id);
for (const rung of [1080, 720, 480]) {
  const { rendition, index } = await house.unmade(id, rung);
  const answer = await fetch(`${house.base}/v/${id}/${rendition}/${index}.m4s`);
  console.log(`a viewer at ${rung}p: ${answer.status}`);
}
await house.until(id, ["ready", "failed"]);
clearInterval(watching);
const { state } = await (await house.api("/api/v1/videos/" + id)).json();
console.log(`memory, encoding 1080p with --memory 512MiB: peak ${mebibytes(peak)} of all processes; it became ${state}`);
await house.close();

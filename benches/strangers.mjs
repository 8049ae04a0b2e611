// Five who watch beside a thousand connections that ask for what was never there: four watch a stored video, the fifth one
// at 480p that is made while it is watched. Runs without the strangers and runs with them take turns; what counts is for how
// long the five stand still in all: with strangers at most 1.1 times as long, and half a second.
// `ROUNDS=3 node strangers.mjs`; `NETWORKS=1` is how many addresses the strangers come from.
import { setTimeout as pause } from "node:timers/promises";
import { connect } from "node:net";
import { House, everyday, long } from "./tools.mjs";

const { ROUNDS = 3, NETWORKS = 1, CONNECTIONS = 1000, PER_SECOND = 300, SEED = 1 } = process.env;
const WATCH_S = 30, AHEAD_S = 10, LATER_S = 600;
/** More than nothing may be lost for. */
const ALLOWED = (without) => 1.1 * without + 0.5;

/** Numbers below `end`, the same for the same seed (mulberry32). */
function random(seed) {
  let state = seed >>> 0;
  return (end) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * end);
  };
}

/** The segments of a playlist from a second on: URL and length. */
async function playlist(url, from) {
  const text = await (await fetch(url)).text();
  const lengths = [...text.matchAll(/#EXTINF:([\d.]+)/g)].map(([, length]) => Number(length));
  let at = 0;
  const all = [...text.matchAll(/^\d+\.m4s$/gm)].map(([name], i) => ({ url: new URL(name, url), length: lengths[i], at: (at += lengths[i]) }));
  return all.filter(({ at }) => at > from);
}

async function patient(url) {
  for (let tries = 1; ; tries++) {
    const answer = await fetch(url);
    await answer.arrayBuffer();
    if (answer.status === 200) return;
    if (answer.status !== 503 || tries > 20) throw new Error(`${url}: ${answer.status}`);
    await pause(500);
  }
}

/** Watches at 480p from a second on, and returns for how long it stood still, without the wait for the first picture. */
async function watch(base, from) {
  const master = await (await fetch(base + "master.m3u8")).text();
  const list = (pattern) => playlist(new URL(master.match(pattern)[0], base), from);
  const [pictures, sounds] = await Promise.all([list(/^v480-.*m3u8$/m), list(/a0-[^"]*m3u8/)]);
  let started = null, loaded = 0, stalled = 0;
  for (let i = 0; i < pictures.length && loaded < WATCH_S; i++) {
    await Promise.all([patient(pictures[i].url), patient(sounds[i].url)]);
    const now = performance.now() / 1000;
    started ??= now;
    stalled += Math.max(0, now - started - stalled - loaded);
    loaded += pictures[i].length;
    const early = loaded - (performance.now() / 1000 - started - stalled) - AHEAD_S;
    if (early > 0) await pause(early * 1000);
  }
  return stalled;
}

/** What strangers ask for, each in its turn. */
function questions(below, { ready, unmade, rungs, stored }) {
  const crockford = () => Array.from({ length: 12 }, () => "0123456789abcdefghjkmnpqrstvwxyz"[below(32)]).join("");
  const video = () => [ready, unmade][below(2)];
  const late = (deadline) => `CMCD-Request: bl=0,dl=${deadline},su\r\nCMCD-Session: sid="${crockford()}"\r\n`;
  return [
    () => [`/v/${video()}/v480-${crockford()}/${below(300)}.m4s`, ""],
    () => [`/v/${unmade}/${rungs[below(rungs.length)]}/${1e6 + below(1e9)}.m4s`, ""],
    () => [`/v/${unmade}/thumbnail/${[160, 320, 480, 640, 1280, 77][below(6)]}/${below(1300)}.jpg`, ""],
    // What is there to be made, asked for from one address only (many would be many viewers), who says that there is no
    // time left; from the others what is stored.
    (isFirst) => isFirst ? [`/v/${unmade}/${rungs[below(rungs.length)]}/${below(300)}.m4s`, late(below(3) * 100)]
      : [stored[below(stored.length)], late(0)],
    () => [`/v/${unmade}/v1080-${crockford()}/${below(300)}.m4s`, late(0)],
  ];
}

/** Connections that ask until they are told to stop; returns how often they were answered, and how. */
function strangers(base, videos) {
  const { hostname: host, port } = new URL(base);
  const below = random(Number(SEED));
  const ask = questions(below, videos);
  const answers = new Map();
  let asked = 0;
  const open = (number) => {
    const line = { socket: connect({ host, port: Number(port), localAddress: `127.0.9.${1 + number % Number(NETWORKS)}` }), busy: true, left: 0, head: "" };
    line.socket.on("connect", () => { line.busy = false; });
    line.socket.on("error", () => {});
    line.socket.on("close", () => { line.gone = true; });
    line.socket.on("data", (piece) => {
      if (line.left > 0) {
        line.left -= piece.length;
      } else {
        line.head += piece.toString("latin1");
        const end = line.head.indexOf("\r\n\r\n");
        if (end < 0) return;
        const status = line.head.slice(9, 12);
        answers.set(status, (answers.get(status) ?? 0) + 1);
        line.left = Number(line.head.match(/content-length: (\d+)/i)?.[1] ?? 0) - (line.head.length - end - 4);
        line.head = "";
      }
      if (line.left <= 0) line.busy = false;
    });
    return line;
  };
  const lines = Array.from({ length: Number(CONNECTIONS) }, (_, number) => open(number));
  const began = performance.now();
  let turn = 0;
  const clock = setInterval(() => {
    for (const due = (performance.now() - began) / 1000 * PER_SECOND; asked < due;) {
      let line = null;
      for (let tries = 0; tries < lines.length && !line; tries++) {
        turn = (turn + 1) % lines.length;
        if (lines[turn].gone) lines[turn] = open(turn);
        if (!lines[turn].busy) line = lines[turn];
      }
      if (!line) break;
      const [path, further] = ask[asked % ask.length](turn % Number(NETWORKS) === 0);
      line.busy = true;
      line.socket.write(`GET ${path} HTTP/1.1\r\nHost: ${host}:${port}\r\n${further}\r\n`);
      asked += 1;
    }
  }, 10);
  return () => {
    clearInterval(clock);
    lines.forEach(({ socket }) => socket.destroy());
    const rate = asked / ((performance.now() - began) / 1000);
    const how = [...answers].sort().map(([status, count]) => `${status}: ${count}`).join(", ");
    return `${rate.toFixed(0)} requests a second; ${how}`;
  };
}

const house = await House.open({ browser: false });
const stored = await house.upload(everyday(house.folder), "stored");
await house.until(stored.id, ["ready"]);
const known = (await playlist(new URL((await (await fetch(`${house.base}/v/${stored.id}/master.m3u8`)).text()).match(/^v480-.*m3u8$/m)[0], `${house.base}/v/${stored.id}/`), 0))
  .map(({ url }) => url.pathname);
const film = long(house.folder, 20);

async function round(number, withStrangers) {
  const { id } = await house.upload(film, `film-${number}`);
  await house.playable(id);
  const master = await (await fetch(`${house.base}/v/${id}/master.m3u8`)).text();
  const rungs = [...master.matchAll(/^(v\d+-[^/]+)\//gm)].map(([, rendition]) => rendition);
  const stop = withStrangers ? strangers(house.base, { ready: stored.id, unmade: id, rungs, stored: known }) : () => "";
  if (withStrangers) await pause(2000);
  const at = (video, from) => watch(`${house.base}/v/${video}/`, from);
  const stalls = await Promise.all([0, 0, 0, 0].map(() => at(stored.id, 0)).concat(at(id, LATER_S)));
  const said = stop();
  await house.api(`/api/v1/videos/${id}`, { method: "DELETE" });
  const sum = stalls.reduce((sum, one) => sum + one, 0);
  console.log(`${withStrangers ? "with strangers" : "without      "}: stood still ${stalls.map((one) => one.toFixed(2)).join(", ")} s; ${sum.toFixed(2)} s in all${said && "; " + said}`);
  return sum;
}

let without = 0, together = 0;
for (let number = 0; number < Number(ROUNDS); number++) {
  without += await round(2 * number, false);
  together += await round(2 * number + 1, true);
}
await house.close();
const mean = (sum) => sum / Number(ROUNDS);
const holds = mean(together) <= ALLOWED(mean(without));
console.log(`${ROUNDS} rounds, seed ${SEED}, ${CONNECTIONS} connections from ${NETWORKS} address${NETWORKS > 1 ? "es" : ""}: ` +
  `${mean(without).toFixed(2)} s without, ${mean(together).toFixed(2)} s with; ${holds ? "within" : "over"} 1.1 times and 0.5 s`);
process.exit(holds ? 0 : 1);

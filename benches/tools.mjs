// What the benches share: a house whose log tells what was made, a long source, percentiles.
import { execFileSync } from "node:child_process";
import { existsSync, createReadStream, statSync } from "node:fs";
import { request } from "node:http";
import { join, resolve } from "node:path";
import { House as Tested, sample } from "../tests/browser/house.mjs";

const corpus = process.env.REELMILL_CORPUS || resolve(import.meta.dirname, "../../shared/media");

/** Half a minute of natural 1080p30 of the corpus; where it is missing, of a test picture, and it says so. */
export function everyday(folder) {
  const natural = join(corpus, "everyday-1080p30.mp4");
  if (existsSync(natural)) return natural;
  console.log(`with a test picture, not with natural ones: ${natural} is missing (REELMILL_CORPUS names its folder)`);
  return sample(folder, "bench.mp4", 30);
}

/** A house that counts what its engines make (with `RUST_LOG=info,pipeline=debug`). */
export class House extends Tested {
  log = "";

  /** A house; with `BUSY=1` one that encodes another title, of an hour, all the while. */
  static async open(options) {
    const house = await super.open(options);
    if (process.env.BUSY) {
      const { id } = await house.upload(long(house.folder, 60, "busy.mp4"), "busy");
      await house.playable(id);
    }
    return house;
  }

  async start() {
    await super.start();
    this.server.stderr.on("data", (piece) => { this.log += piece; });
  }

  /** Uploads a file of any size. */
  upload(path, title = "bench") {
    return new Promise((done, failed) => {
      const call = request(`${this.base}/api/v1/videos?title=${title}`, {
        method: "POST", headers: { authorization: "Bearer " + this.token, "content-length": statSync(path).size },
      }, async (answer) => {
        let text = "";
        for await (const piece of answer) text += piece;
        answer.statusCode === 201 ? done(JSON.parse(text)) : failed(new Error(text));
      });
      call.on("error", failed);
      createReadStream(path).pipe(call);
    });
  }

  /** The video, once it is playable. */
  async playable(id) {
    await this.until(id, ["playable", "ready"]);
    return (await this.api("/api/v1/videos/" + id)).json();
  }

  /** How often each segment of a video was made: "rendition index" to count. */
  made(id) {
    const counts = new Map();
    for (const line of this.log.split("\n")) {
      if (!line.includes('"a segment was made"') || !line.includes(id)) continue;
      const { rendition, segment } = JSON.parse(line).fields;
      const key = rendition + " " + segment;
      counts.set(key, (counts.get(key) || 0) + 1);
    }
    return counts;
  }

  /** Segments of a video that were made more than once. */
  twice(id) {
    return [...this.made(id).values()].filter((count) => count > 1).length;
  }

  /** A segment of a rung that is not made yet. */
  async unmade(id, rung) {
    const master = await (await fetch(`${this.base}/v/${id}/master.m3u8`)).text();
    const rendition = master.match(new RegExp(`^(v${rung}-[^/]+)/`, "m"))[1];
    const playlist = await (await fetch(`${this.base}/v/${id}/${rendition}/playlist.m3u8`)).text();
    const count = playlist.match(/\.m4s/g).length;
    const made = this.made(id);
    for (let index = count - 2; index > 0; index--) {
      if (!made.has(rendition + " " + index)) return { rendition, index };
    }
    throw new Error("everything is made");
  }
}

/** An hour of `everyday`, made by looping. */
export function long(folder, minutes = 60, name = "long.mp4") {
  const path = join(folder, name);
  execFileSync("ffmpeg", ["-v", "error", "-stream_loop", String(minutes * 2 - 1), "-i", everyday(folder), "-c", "copy", path]);
  return path;
}

export function percentile(list, percent) {
  const sorted = [...list].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil((sorted.length * percent) / 100) - 1)].toFixed(2);
}

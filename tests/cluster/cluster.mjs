// A whole cluster on loopback, whose processes can be killed and paused. Where CLUSTER_SERVERS names a
// folder, its stores are the servers there (deploy/cluster.sh).
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const root = resolve(import.meta.dirname, "../..");
const script = join(root, "deploy/cluster.sh");
const services = join(root, "deploy/services.sh");
const SERVICES = ["s3", "cql", "nats"];

export class Cluster {
  static open({ origins = 2, workers = 3 } = {}) {
    const cluster = new this();
    cluster.folder = mkdtempSync(join(tmpdir(), "reelmill-cluster-"));
    cluster.servers = process.env.CLUSTER_SERVERS ?? cluster.folder;
    cluster.workers = Array.from({ length: workers }, (_, n) => `worker-${n + 1}`);
    cluster.origins = Array.from({ length: origins }, (_, n) => `origin-${n + 1}`);
    try {
      cluster.bases = cluster.run(script, "up", cluster.folder, origins, workers).trim().split("\n");
    } catch (error) {
      cluster.close();
      throw error;
    }
    cluster.token = readFileSync(join(cluster.folder, "admin-token"), "utf8").trim();
    return cluster;
  }

  run(program, ...args) {
    const REELMILL = process.env.REELMILL || join(root, "target/debug/reelmill");
    const env = { ...process.env, REELMILL };
    const stdio = ["ignore", "pipe", "inherit"];
    return execFileSync(program, args.map(String), { env, stdio, encoding: "utf8", timeout: 120_000 });
  }

  close() {
    this.run(script, "down", this.folder);
    if (!process.env.KEEP) rmSync(this.folder, { recursive: true, force: true });
  }

  /** The process id of a role or a service, if it was started. */
  pid(name) {
    const file = SERVICES.includes(name) ? join(this.servers, name, "pid") : join(this.folder, `${name}.pid`);
    return existsSync(file) ? Number(readFileSync(file, "utf8")) : undefined;
  }

  signal(name, signal) {
    try {
      process.kill(this.pid(name), signal);
    } catch (error) {
      if (error.code !== "ESRCH") throw error;
    }
  }

  /** Starts a role or a service that does not run; an origin's address may be another then. */
  start(name) {
    const said = SERVICES.includes(name)
      ? this.run(services, "up", name, join(this.servers, name))
      : this.run(script, "role", this.folder, name.split("-")[0], name);
    const origin = this.origins.indexOf(name);
    if (origin >= 0) this.bases[origin] = said.trim();
  }

  fetch(base, path, options = {}) {
    const headers = { authorization: "Bearer " + this.token };
    return fetch(base + path, { ...options, headers, signal: AbortSignal.timeout(30_000) });
  }

  /** What a role counts, in the Prometheus text format. */
  async metrics(name) {
    const log = readFileSync(join(this.folder, `${name}.log`), "utf8");
    return (await fetch(log.match(/metrics are at (\S+)/)[1])).text();
  }

  /** The paths of all that is stored of a video, as the object store has them: it keeps them as files. */
  stored(id) {
    const bucket = readFileSync(join(this.folder, "reelmill.toml"), "utf8").match(/bucket = "(.+)"/)[1];
    const folder = join(this.servers, "s3/data", bucket, "videos", id);
    return existsSync(folder) ? readdirSync(folder, { recursive: true }) : [];
  }

  /** A video's row, from whichever origin answers. */
  async video(id) {
    for (const base of this.bases) {
      try {
        const answer = await this.fetch(base, `/api/v1/videos/${id}`);
        if (answer.ok) return await answer.json();
      } catch {}
    }
  }

  /** Every segment that a video's playlists list. */
  async segments(base, id) {
    const lines = async (path) => {
      const answer = await this.fetch(base, path);
      if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
      return (await answer.text()).split("\n");
    };
    const master = await lines(`/v/${id}/master.m3u8`);
    const uris = master.map((line) => line.match(/URI="([^"]+)"/)?.[1] ?? (line.startsWith("#") ? "" : line.trim()));
    const playlists = [...new Set(uris.filter((uri) => uri.endsWith("playlist.m3u8")))];
    const all = await Promise.all(playlists.map(async (uri) => {
      const folder = uri.split("/")[0];
      const files = (await lines(`/v/${id}/${uri}`)).filter((line) => line.endsWith(".m4s"));
      return files.map((file) => `/v/${id}/${folder}/${file}`);
    }));
    return all.flat();
  }
}

export const hash = (bytes) => createHash("sha256").update(Buffer.from(bytes)).digest("hex");

/** What `sample` codes pictures with. */
const H264 = ["-c:v", "libx264", "-preset", "ultrafast", "-g", "60"];

/** The bytes of a source with a counter and a tone. */
export function sample(folder, name, seconds, size = "640x360", codec = H264) {
  const path = join(folder, name);
  execFileSync("ffmpeg", ["-v", "error", "-f", "lavfi", "-i", `testsrc2=s=${size}:r=30:d=${seconds}`,
    "-f", "lavfi", "-i", `sine=440:d=${seconds}:r=48000`, ...codec, "-c:a", "aac", "-shortest", path]);
  return readFileSync(path);
}

/** Mulberry32: the same seed does the same things, if not at the same moments. */
export function random(seed) {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

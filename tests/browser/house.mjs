// A running reelmill with a browser before it.
import { spawn, execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { Cluster } from "../cluster/cluster.mjs";

const { chromium } = await import("playwright-core").catch(() => {
  throw new Error("the packages of tests/browser are missing: `deploy/test.sh fetch` fetches them");
});

const root = resolve(import.meta.dirname, "../..");
const program = process.env.REELMILL || join(root, "target/debug/reelmill");
/** How Chromium is launched. */
export const BROWSER = {
  executablePath: "/usr/bin/chromium",
  args: [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
  ],
};

export class House {
  /** A server, and a browser unless told not to: those that `run.mjs` shares, if it has started this file, else
   *  new ones. The server is new too where it is to be killed (`own`), is to be started otherwise, or over what an
   *  archive (`from`) has in its folder `data`. */
  static async open({ browser = true, from = null, own = Boolean(from), env = {}, args = [] } = {}) {
    const house = new this();
    house.uploaded = [];
    house.folder = mkdtempSync(join(tmpdir(), "reelmill-"));
    const { SHARED_HOUSE, SHARED_BROWSER, REELMILL_CLUSTER } = process.env;
    if (REELMILL_CLUSTER) house.gather();
    else if (SHARED_HOUSE && !own && !args.length && !Object.keys(env).length) Object.assign(house, JSON.parse(SHARED_HOUSE));
    else {
      Object.assign(house, { env, args, data: join(house.folder, "data") });
      if (from) execFileSync("tar", ["-xzf", from, "-C", house.folder]);
      try {
        await house.start();
      } catch (error) {
        rmSync(house.folder, { recursive: true, force: true });
        throw error;
      }
      house.token = readFileSync(join(house.data, "admin-token"), "utf8").trim();
    }
    if (browser) {
      house.browser = SHARED_BROWSER ? await chromium.connect(SHARED_BROWSER) : await chromium.launch(BROWSER);
    }
    return house;
  }

  /** Many processes instead: what one origin takes in another serves. */
  gather() {
    this.cluster = Cluster.open({ origins: 2, workers: 2 });
    this.token = this.cluster.token;
    [this.entry, this.base] = this.cluster.bases;
  }

  /** Starts a server on a free port over the folder as it is. */
  async start() {
    const args = ["serve", "--data", this.data, "--listen", "127.0.0.1:0", ...this.args];
    this.server = spawn(program, args, { env: { ...process.env, ...this.env } });
    this.base = await new Promise((found, failed) => {
      let said = "";
      this.server.stderr.on("data", (piece) => {
        said += piece;
        const line = said.match(/listens on (http:\S+),/);
        if (line) found(line[1]);
      });
      this.server.once("exit", () => failed(new Error(said)));
      this.server.once("error", (error) => failed(new Error(`${error.message}: \`make build\` makes the program`)));
    });
  }

  /** Kills the server as a crash would, and waits until it is gone. */
  async crash() {
    const gone = new Promise((done) => this.server.once("exit", done));
    this.server.kill("SIGKILL");
    await gone;
  }

  /** Ends what was started here. Of a shared server, what was uploaded here is deleted, since its work would
   *  go on. */
  async close() {
    await this.browser?.close();
    if (!this.server && !this.cluster) {
      for (const id of this.uploaded) await this.api(`/api/v1/videos/${id}`, { method: "DELETE" });
    }
    this.cluster?.close();
    if (this.server) {
      this.server.kill("SIGTERM");
      await new Promise((gone) => this.server.once("exit", gone));
    }
    rmSync(this.folder, { recursive: true, force: true });
  }

  api(path, options = {}) {
    return fetch(this.base + path, { ...options, headers: { authorization: "Bearer " + this.token } });
  }

  /** Uploads a file and returns the API's answer. */
  async upload(path) {
    const body = readFileSync(path);
    const headers = { authorization: "Bearer " + this.token };
    const answer = await fetch((this.entry ?? this.base) + "/api/v1/videos?title=sample", { method: "POST", body, headers });
    if (answer.status !== 201) throw new Error(await answer.text());
    const video = await answer.json();
    this.uploaded.push(video.id);
    return video;
  }

  /** The id of a video of the sample, which several files may share. */
  async sampleVideo() {
    return this.video ?? (await this.upload(sample(this.folder))).id;
  }

  /** A link by which a page is signed in, once. */
  wayIn() {
    const rows = this.cluster ? ["--config", join(this.cluster.folder, "reelmill.toml")] : ["--data", this.data];
    return execFileSync(program, ["sign-in", "--public-url", this.base, ...rows], { encoding: "utf8" }).trim();
  }

  /** Waits until a video is in one of these states, told by server-sent events. */
  async until(id, states) {
    const events = await fetch(`${this.base}/events?video=${id}`);
    let text = "";
    for await (const piece of events.body) {
      text += Buffer.from(piece).toString();
      const lines = text.split("\n");
      text = lines.pop();
      for (const line of lines) {
        if (!line.startsWith("data:")) continue;
        const status = JSON.parse(line.slice(5));
        if (states.includes(status.state)) return status;
      }
    }
    throw new Error("the events ended");
  }
}

/** A sample with a counter and a tone, made once in a folder. */
export function sample(folder, name = "sample.mp4", seconds = 12, size = "1280x720") {
  const path = join(folder, name);
  if (!existsSync(path)) {
    execFileSync("ffmpeg", ["-v", "error", "-f", "lavfi", "-i", `testsrc2=s=${size}:r=30:d=${seconds}`,
      "-f", "lavfi", "-i", `sine=440:d=${seconds}:r=48000`, "-c:v", "libx264", "-preset", "ultrafast",
      "-g", "60", "-c:a", "aac", "-shortest", path]);
  }
  return path;
}

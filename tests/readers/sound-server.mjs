// A sound server whose only device is silent: without any device, Firefox does not run the clock of an audio context.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export class SoundServer {
  static async start() {
    const server = new this();
    server.folder = mkdtempSync(join(tmpdir(), "reelmill-sound-"));
    const socket = join(server.folder, "socket");
    const home = { HOME: server.folder, XDG_RUNTIME_DIR: server.folder };
    server.process = spawn("pulseaudio", ["-n", "--daemonize=no", "--exit-idle-time=-1", "--use-pid-file=no", "--disable-shm", "--log-level=info",
      "--load=module-null-sink rate=48000", `--load=module-native-protocol-unix socket=${socket} auth-anonymous=1`],
    { env: { ...process.env, ...home }, stdio: ["ignore", "ignore", "pipe"] });
    let said = "";
    await new Promise((done, fail) => {
      server.process.stderr.on("data", (piece) => {
        said += piece;
        if (/Daemon startup complete/.test(said)) done();
      });
      server.process.once("error", (error) => fail(new Error(`${error.message}: \`deploy/install.sh test\` installs it`)));
      server.process.once("exit", (code) => fail(new Error(`pulseaudio ended with ${code}: ${said}`)));
    });
    server.address = `unix:${socket}`;
    return server;
  }

  async stop() {
    const gone = new Promise((done) => this.process.once("exit", done));
    this.process.kill("SIGTERM");
    await gone;
    rmSync(this.folder, { recursive: true, force: true });
  }
}

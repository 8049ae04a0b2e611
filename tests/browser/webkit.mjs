// WebKitGTK, driven by WebDriver on a virtual screen.
import { spawn } from "node:child_process";
import { createServer } from "node:net";

const BROWSER = "/usr/lib/x86_64-linux-gnu/webkit2gtk-4.1/MiniBrowser";
/** A page may play this long before its script counts as stuck. */
const SCRIPT_MS = 120_000;

/** A browser with one window. */
export class WebKit {
  static async open() {
    const webkit = new this();
    // One group, so that screen, driver and browser end together. The driver says on which port it listens only
    // with the messages of its library.
    const port = await freePort();
    webkit.driver = spawn("xvfb-run", ["--auto-servernum", "WebKitWebDriver", `--port=${port}`],
      { detached: true, stdio: ["ignore", "ignore", "pipe"] });
    let said = "";
    webkit.driver.stderr.on("data", (piece) => { said += piece; });
    webkit.gone = new Promise((_, fail) => {
      webkit.driver.once("error", (error) => fail(new Error(`${error.message}: \`deploy/install.sh test\` installs it`)));
      webkit.driver.once("exit", (code) => fail(new Error(`the driver of WebKitGTK ended with ${code}: ${said}`)));
    });
    webkit.gone.catch(() => {});
    webkit.base = `http://127.0.0.1:${port}`;
    const options = { binary: BROWSER, args: ["--automation"] };
    const capabilities = { alwaysMatch: { "webkitgtk:browserOptions": options, timeouts: { script: SCRIPT_MS } } };
    try {
      await webkit.listening();
      const { sessionId, capabilities: given } = await webkit.call("POST", "/session", { capabilities });
      webkit.session = `/session/${sessionId}`;
      webkit.version = given.browserVersion;
    } catch (error) {
      await webkit.close();
      throw error;
    }
    return webkit;
  }

  /** Waits until the driver takes connections. */
  async listening() {
    for (;;) {
      const answer = await Promise.race([fetch(`${this.base}/status`).catch(() => null), this.gone]);
      if (answer?.ok) return;
      await new Promise((done) => setTimeout(done, 50));
    }
  }

  async call(method, path, body) {
    const answer = await Promise.race([fetch(this.base + path, { method, body: body && JSON.stringify(body) }), this.gone]);
    const { value } = await answer.json();
    if (!answer.ok) throw new Error(`${value.error}: ${value.message}`);
    return value;
  }

  goto(url) {
    return this.call("POST", `${this.session}/url`, { url });
  }

  /** What an expression with promises becomes on the page; `argument` is there as `argument`. */
  async evaluate(expression, argument = null) {
    const script = `const [argument, done] = arguments; Promise.resolve(${expression}).then((value) => done({ value }), (error) => done({ error: String(error) }));`;
    const { value, error } = await this.call("POST", `${this.session}/execute/async`, { script, args: [argument] });
    if (error) throw new Error(error);
    return value;
  }

  /** Makes the window as large, in CSS pixels. */
  resize(width, height) {
    return this.call("POST", `${this.session}/window/rect`, { width, height });
  }

  /** A picture of the page, as PNG. */
  async screenshot() {
    return Buffer.from(await this.call("GET", `${this.session}/screenshot`), "base64");
  }

  async close() {
    if (this.session) await this.call("DELETE", this.session).catch(() => {});
    const gone = this.gone.catch(() => {});
    if (this.driver.pid && this.driver.exitCode === null) process.kill(-this.driver.pid, "SIGTERM");
    await gone;
  }
}

/** A port that was free a moment ago: the driver cannot be asked for any. */
async function freePort() {
  const server = createServer();
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  const { port } = server.address();
  await new Promise((done) => server.close(done));
  return port;
}

// Browsers as readers: a player on a page plays two parts of the film.
import { openFirefox } from "../../browser/firefox.mjs";
import { WebKit } from "../../browser/webkit.mjs";
import { FLASHES, SECONDS } from "../film.mjs";
import { openChromium } from "./chromium.mjs";

/** The beginning with two flashes, and after a seek the end with one. */
const PARTS = [[0, 4.5], [15, SECONDS]];

/** A browser that has not closed by then is left alone. */
const CLOSE_MS = 10_000;

/** How each browser is opened, and how it evaluates `window.measure` on a new page. */
const BROWSERS = {
  Chromium: { open: openChromium, measure: onNewPage },
  Firefox: { open: openFirefox, measure: onNewPage },
  // Its audio context hears an element about a second late, so that beeps cannot be compared with pictures.
  WebKitGTK: { open: () => WebKit.open(), measure: onOnlyPage, isMuted: true },
};

/** The browsers of a run: each is opened when the first cell needs it. */
export class Browsers {
  #opened = new Map();

  /** What a player in a browser makes of the film at `url`: the two readings that measure.mjs takes apart. */
  async read(name, player, origin, url) {
    const { open, measure, isMuted = false } = BROWSERS[name];
    if (!this.#opened.has(name)) this.#opened.set(name, open());
    const browser = await this.#opened.get(name);
    const { problem, first, starts, parts } = await measure(browser, `${origin.base}/page`, { player, url, parts: PARTS, isMuted });
    if (problem) return [{ problem }];
    const [whole, sought] = parts.map(({ frames, beeps }) => ({ frames, sound: (isMuted ? FLASHES : beeps).map((time) => ({ time, samples: [1] })) }));
    return [{ ...whole, first: { picture: first, sound: starts.audio } }, sought];
  }

  /** Closes a browser, so that the next cell opens a new one: it may have crashed, or never have started. */
  async renew(name) {
    const browser = this.#opened.get(name);
    this.#opened.delete(name);
    await closed(browser);
  }

  async close() {
    for (const browser of this.#opened.values()) await closed(browser);
  }
}

/** Closes a browser that may not have started, be gone or not answer. */
async function closed(browser) {
  const closing = browser?.then((started) => started.close()).catch(() => {});
  await Promise.race([closing, new Promise((late) => setTimeout(late, CLOSE_MS).unref())]);
}

async function onNewPage(browser, address, argument) {
  const page = await browser.newPage();
  try {
    await page.goto(address);
    return await page.evaluate((given) => window.measure(given), argument);
  } finally {
    await page.close();
  }
}

async function onOnlyPage(browser, address, argument) {
  await browser.goto(address);
  return browser.evaluate("window.measure(argument)", argument);
}

// Every page as people meet it: for screen readers (axe), at the widths of a small phone, a phone and a desk, in light
// and dark, by keyboard, after an upload, on the way back, and when something was typed wrongly.
import { after, afterEach, before, describe, test } from "node:test";
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { House, sample } from "./house.mjs";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const WINDOWS = [["light", 320], ["dark", 390], ["light", 1280]];
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

let house, film, failed, sound, clip;
before(async () => {
  house = await House.open({ args: ["--memory", "1GiB"] });
  clip = sample(house.folder, "clip.mp4", 6);
  film = (await house.upload(clip)).id;
  const bare = join(house.folder, "sound.m4a");
  execFileSync("ffmpeg", ["-v", "error", "-f", "lavfi", "-i", "sine=440:d=6", "-c:a", "aac", bare]);
  sound = (await house.upload(bare)).id;
  // It begins as a video does and is none.
  const damaged = join(house.folder, "damaged.mp4");
  writeFileSync(damaged, readFileSync(clip).subarray(0, 20_000));
  failed = (await house.upload(damaged)).id;
  for (const id of [film, sound]) await house.until(id, ["ready"]);
  await house.until(failed, ["failed"]);
});
after(() => house?.close());

/** A page whose scripts must not fail. */
const problems = [];
function watched(page) {
  page.on("pageerror", (error) => problems.push(`${page.url()}: ${error}`));
  page.on("console", (line) => /Content Security/.test(line.text()) && problems.push(line.text()));
  return page;
}
afterEach(() => assert.deepEqual(problems.splice(0), []));

/** A context of a browser in which somebody is signed in. */
async function signedIn(options = {}) {
  const context = await house.browser.newContext({ viewport: { width: 390, height: 844 }, ...options });
  const page = watched(await context.newPage());
  await page.goto(house.wayIn());
  await page.click("main button");
  return { context, page };
}

const playing = (page) => page.waitForFunction(() => document.getElementById("video").currentTime > 0.3, null, { timeout: 30_000 });

describe("pages", { concurrency: 1 }, () => {
  const PAGES = {
    "sign-in": [false, () => "/sign-in?code=abc"],
    "way-in": [false, () => "/"],
    list: [true, () => "/"],
    "watch-stranger": [false, () => `/watch/${film}`],
    "watch-owner": [true, () => `/watch/${film}`],
    "watch-failed": [true, () => `/watch/${failed}`],
    "watch-sound": [true, () => `/watch/${sound}`],
    api: [true, () => "/api/v1/"],
    missing: [false, () => "/nowhere"],
    "not-a-video": [false, () => "/watch/nothing"],
  };
  for (const [name, [signed, path]] of Object.entries(PAGES)) {
    test(`${name}: axe finds nothing, and nothing is wider than the window`, { timeout: 90_000 }, async () => {
      for (const [colorScheme, width] of WINDOWS) {
        const viewport = { width, height: 844 };
        const context = signed ? (await signedIn({ colorScheme, viewport })).context : await house.browser.newContext({ colorScheme, viewport });
        const page = watched(await context.newPage());
        await page.goto(house.base + path());
        if (/^watch-(?!failed)/.test(name)) {
          await playing(page);
          await page.evaluate(() => document.getElementById("video").pause());
        }
        const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        assert.ok(overflow <= 0, `${overflow} px too wide at ${width}`);
        if (process.env.SCREENSHOTS) await page.screenshot({ path: `${process.env.SCREENSHOTS}/${name}-${colorScheme}-${width}.png`, fullPage: true });
        await page.evaluate(AXE);
        const { violations } = await page.evaluate((rules) => axe.run({ runOnly: rules }), RULES);
        const found = violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html.slice(0, 120)).join(" | ")}`);
        assert.deepEqual(found, [], `${colorScheme}, ${width}`);
        await context.close();
      }
    });
  }
});

test("the forms of a video are there as soon as it plays, and the list has it on the way back", { timeout: 60_000 }, async () => {
  const { context, page } = await signedIn();
  await page.setInputFiles("#file", sample(house.folder, "new.mp4", 5));
  await page.waitForURL(/\/watch\//);
  const id = page.url().split("/").pop();
  house.uploaded.push(id);
  await page.waitForSelector("#texts-add");
  await page.waitForSelector("#codecs");
  await page.goBack();
  await page.waitForSelector(`.card[href="/watch/${id}"]`);
  // And shows it ready without being asked.
  await page.waitForFunction((id) => !document.querySelector(`.card[href="/watch/${id}"] .state`), id, { timeout: 40_000 });
  await context.close();
});

test("a codec that is being made is followed on the page until players can choose it", { timeout: 120_000 }, async () => {
  const { context, page } = await signedIn();
  await page.goto(`${house.base}/watch/${film}`);
  const said = [];
  await page.exposeFunction("told", (text) => said.push(text));
  await page.click("#codecs button[aria-label='Encode: HEVC']");
  await page.waitForSelector("#codecs[data-pending]");
  await page.evaluate(() => {
    const tell = () => window.told(document.querySelector("#codecs li").textContent.trim());
    new MutationObserver(tell).observe(document.getElementById("owner"), { childList: true, subtree: true });
  });
  await page.waitForFunction(() => document.querySelector("#codecs li").textContent.includes("players can choose it"), null, { timeout: 90_000 });
  assert.ok(said.some((text) => /[1-9]\d? % encoded/.test(text)), `on its way: ${said}`);
  await context.close();
});

test("what is typed into the form of a text file is still there after it was refused", { timeout: 60_000 }, async () => {
  const text = join(house.folder, "words.srt");
  writeFileSync(text, "1\n00:00:01,000 --> 00:00:02,000\nWords\n");
  for (const javaScriptEnabled of [true, false]) {
    const { context, page } = await signedIn({ javaScriptEnabled });
    await page.goto(`${house.base}/watch/${film}`);
    await page.setInputFiles("#text-file", text);
    await page.fill("#text-language", "klingonish");
    await page.fill("#text-name", "My words");
    await page.click("#texts-add button");
    await page.waitForSelector("#texts-trouble:not([hidden])");
    assert.match(await page.textContent("#texts-trouble"), /language/);
    assert.equal(await page.inputValue("#text-name"), "My words");
    assert.equal(await page.inputValue("#text-language"), "klingonish");
    // Without a script a browser forgets the file; with one it stays chosen.
    if (!javaScriptEnabled) await page.setInputFiles("#text-file", text);
    await page.fill("#text-language", javaScriptEnabled ? "tlh" : "la");
    await page.click("#texts-add button");
    await page.waitForSelector(`#texts li:has-text('My words') button`);
    await page.click("#texts li:has-text('My words') button");
    await page.waitForFunction(() => !document.querySelector("#texts li")).catch((error) => { if (javaScriptEnabled) throw error; });
    await context.close();
  }
});

test("the player's keys work on the whole page until that is turned off, and never where one types", { timeout: 60_000 }, async () => {
  const { context, page } = await signedIn();
  await page.goto(`${house.base}/watch/${film}`);
  await playing(page);
  const isPaused = () => page.evaluate(() => document.getElementById("video").paused);
  const press = async (key, paused) => {
    await page.keyboard.press(key);
    await page.waitForFunction((paused) => document.getElementById("video").paused === paused, paused);
  };
  await page.evaluate(() => document.activeElement?.blur());
  await press("k", true);
  await press("Space", false);
  // On a Russian keyboard; held down, it switches once.
  await page.evaluate(() => {
    for (const repeat of [false, true, true]) document.body.dispatchEvent(new KeyboardEvent("keydown", { key: "л", code: "KeyK", repeat, bubbles: true }));
  });
  await page.waitForFunction(() => document.getElementById("video").paused);
  await press("k", false);
  await page.keyboard.press("5");
  await page.waitForFunction(() => document.getElementById("video").currentTime >= 2.9);
  await press("k", true);
  await page.focus("#text-language");
  await page.keyboard.type("k0");
  assert.equal(await isPaused(), true);
  assert.equal(await page.inputValue("#text-language"), "k0");
  await page.click(".keys summary");
  await page.uncheck("#keys-everywhere");
  await page.reload();
  await playing(page);
  await page.evaluate(() => document.activeElement?.blur());
  await page.keyboard.press("k");
  // What the player itself hears comes after what the page would have heard.
  await page.focus("#player");
  await press("k", true);
  await context.close();
});

test("c shows and hides subtitles", { timeout: 60_000 }, async () => {
  const path = join(house.folder, "titled.mp4");
  const text = join(house.folder, "titles.srt");
  writeFileSync(text, "1\n00:00:00,500 --> 00:00:05,000\nWords\n");
  execFileSync("ffmpeg", ["-v", "error", "-y", "-i", clip, "-i", text, "-map", "0", "-map", "1", "-c", "copy", "-c:s", "mov_text", "-metadata:s:s:0", "language=eng", path]);
  const { id } = await house.upload(path);
  await house.until(id, ["ready"]);
  const page = watched(await house.browser.newPage());
  await page.goto(`${house.base}/watch/${id}`);
  await playing(page);
  await page.waitForFunction(() => !document.getElementById("text").hidden);
  const showing = (wanted) => page.waitForFunction((wanted) => wanted === [...document.getElementById("video").textTracks]
    .some((track) => track.kind === "subtitles" && track.mode === "showing"), wanted);
  await page.keyboard.press("c");
  await showing(true);
  await page.keyboard.press("c");
  await showing(false);
  await page.close();
});

test("whoever is signed in can sign out on every page with a menu", async () => {
  for (const path of ["/", `/watch/${film}`, "/api/v1/"]) {
    const { context, page } = await signedIn();
    await page.goto(house.base + path);
    await page.click("header button:has-text('Sign out')");
    await page.waitForSelector("main a[href='/sign-in']");
    await context.close();
  }
});

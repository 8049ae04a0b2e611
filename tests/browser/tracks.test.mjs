// Two languages of sound in 5.1 and stereo, three of text, one of them from a file beside the source,
// chapters: switched during play in three players and on our page.
import { describe, test, before, after } from "node:test";
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { House } from "./house.mjs";
import { PLAYERS } from "./players.mjs";

const SECONDS = 20;
let house, video;

/** A cue in each second. */
const words = (word) => Array.from({ length: SECONDS }, (_, n) => {
  const at = (seconds) => `00:00:${String(seconds).padStart(2, "0")},000`;
  return `${n + 1}\n${at(n)} --> ${at(n + 1)}\n${word} ${n}\n`;
}).join("\n");

before(async () => {
  house = await House.open();
  const file = (name) => join(house.folder, name);
  writeFileSync(file("en.srt"), words("word"));
  writeFileSync(file("de.srt"), words("Wort"));
  writeFileSync(file("chapters.txt"), ";FFMETADATA1\n" + ["First", "Second"].map((title, n) =>
    `[CHAPTER]\nTIMEBASE=1/1\nSTART=${n * 10}\nEND=${n * 10 + 10}\ntitle=${title}\n`).join(""));
  const sound = (hertz) => ["-f", "lavfi", "-i", `sine=${hertz}:d=${SECONDS}:r=48000`];
  execFileSync("ffmpeg", ["-v", "error", "-f", "lavfi", "-i", `testsrc2=s=640x360:r=25:d=${SECONDS}`, ...sound(440), ...sound(660),
    "-i", file("en.srt"), "-i", file("de.srt"), "-i", file("chapters.txt"),
    "-map", "0", "-map", "1", "-map", "2", "-map", "3", "-map", "4", "-map_metadata", "5",
    "-c:v", "libx264", "-preset", "ultrafast", "-g", "50", "-c:a", "ac3", "-ac:a:0", "6", "-ac:a:1", "2", "-c:s", "srt",
    "-metadata:s:a:0", "language=eng", "-metadata:s:a:1", "language=deu",
    "-metadata:s:s:0", "language=eng", "-metadata:s:s:1", "language=deu", file("tracks.mkv")]);
  video = await house.upload(file("tracks.mkv"));
  await house.until(video.id, ["ready"]);
  writeFileSync(file("fr.srt"), words("mot"));
  const put = await house.api(`/api/v1/videos/${video.id}/text/fre`, { method: "PUT", body: words("mot") });
  assert.equal(put.status, 201, await put.text());
});
after(() => house.close());

/** How each chooses text and sound of a `language`, and says which sound is playing. */
const CHOICES = {
  "hls.js": {
    text: `hls.subtitleDisplay = true;
      hls.subtitleTrack = hls.subtitleTracks.findIndex((t) => t.lang.startsWith(language));`,
    sound: `hls.audioTrack = hls.audioTracks.findIndex((t) => t.lang.startsWith(language));`,
    heard: `hls.audioTracks[hls.audioTrack].lang.slice(0, 2)`,
  },
  "Shaka Player": {
    text: `player.selectTextTrack(player.getTextTracks().find((t) => t.language === language));`,
    sound: `player.selectAudioTrack(player.getAudioTracks().find((t) => t.language === language));`,
    heard: `player.getAudioTracks().find((t) => t.active).language`,
  },
  "dash.js": {
    text: `player.enableText(true);
      player.setTextTrack(player.getTracksFor("text").findIndex((t) => t.lang === language));`,
    sound: `player.setCurrentTrack(player.getTracksFor("audio").find((t) => t.lang === language));`,
    heard: `player.getCurrentTrackFor("audio").lang`,
  },
};

/** Runs in the page: text and sound of one language, then of the other, while it plays. */
const watch = ({ load, text, sound, heard }) => new Function("args", `return (async ({ base, id }) => {
  const v = document.getElementById("v");
  let fail;
  const failed = new Promise((_, no) => { fail = no; });
  const cues = () => [...v.textTracks].flatMap((t) => t.mode === "disabled" ? [] : [...(t.activeCues || [])]).map((c) => c.text);
  const until = async (isSo, what) => {
    for (const began = Date.now(); !isSo();) {
      if (Date.now() - began > 12000) throw new Error(what + " at " + v.currentTime + ": " + JSON.stringify([...v.textTracks].map((t) => [t.label, t.mode, t.cues?.length])));
      await new Promise((done) => requestAnimationFrame(done));
    }
  };
  const all = async () => {
    ${load}
    v.play();
    await until(() => v.currentTime > 0.5, "it does not play");
    const seen = [];
    for (const [language, word, isHeard] of [["en", "word", true], ["fr", "mot", false], ["de", "Wort", true]]) {
      ${text}
      if (isHeard) { ${sound} }
      await until(() => cues().some((cue) => cue.includes(word)), "no text in " + language);
      await until(() => !isHeard || ${heard} === language, "no sound in " + language);
      const cue = cues().find((cue) => cue.includes(word));
      seen.push({ cue, at: v.currentTime });
      const at = v.currentTime;
      await until(() => v.currentTime > at + 0.5, "it stops after a switch");
    }
    return seen;
  };
  return Promise.race([all(), failed]);
})(args);`);

describe("players", { concurrency: true }, () => {
  for (const [name, choices] of Object.entries(CHOICES)) {
    const player = { ...PLAYERS[name], ...choices };
    test(`${name} switches text and sound during play`, { timeout: 60_000 }, async () => {
      const page = await house.browser.newPage();
      await page.goto(house.base + "/livez");
      await page.setContent("<video id=v muted playsinline width=640></video>");
      await page.addScriptTag({ path: player.script });
      const seen = await page.evaluate(watch(player), { base: house.base, id: video.id });
      await page.close();
      for (const { cue, at } of seen) {
        const second = Number(/\d+/.exec(cue)[0]);
        assert.ok(at >= second - 0.1 && at <= second + 1.5, `${cue} is shown at ${at}`);
      }
    });
  }
});

test("our page offers all languages by their names, and chapters", { timeout: 60_000 }, async () => {
  const page = await house.browser.newPage({ viewport: { width: 390, height: 844 } });
  await page.goto(`${house.base}/watch/${video.id}`);
  await page.waitForFunction(() => document.getElementById("video").currentTime > 0.5, null, { timeout: 30_000 });
  await page.waitForFunction(() => document.getElementById("text").length === 4 && document.getElementById("sound").length === 2);
  const options = (id) => page.$$eval(`#${id} option`, (all) => all.map((option) => option.text));
  assert.deepEqual(await options("text"), ["none", "English", "Deutsch", "Français"].map((name) => `Subtitles: ${name}`));
  assert.deepEqual(await options("sound"), ["Sound: English", "Sound: Deutsch"]);
  await page.selectOption("#text", { index: 2 });
  const shown = () => [...document.getElementById("video").textTracks].some((t) => t.mode === "showing" && [...(t.activeCues || [])].some((c) => c.text.includes("Wort")));
  await page.waitForFunction(shown, null, { timeout: 20_000 });
  if (process.env.SCREENSHOTS) await page.screenshot({ path: process.env.SCREENSHOTS + "/text-phone.png" });
  const chapters = () => [...document.getElementById("video").textTracks]
    .some((t) => t.kind === "chapters" && t.mode === "hidden" && t.cues?.length === 2);
  await page.waitForFunction(chapters);
  await page.close();
});

for (const width of [320, 390, 1280]) {
  test(`every control can be hit in a window of ${width} px, with a choice of sound, text and quality`, { timeout: 60_000 }, async () => {
    const page = await house.browser.newPage({ viewport: { width, height: 844 } });
    await page.goto(`${house.base}/watch/${video.id}`);
    await page.waitForFunction(() => document.getElementById("video").currentTime > 0.5, null, { timeout: 30_000 });
    await page.waitForFunction(() => ["sound", "text", "quality"].every((id) => !document.getElementById(id).hidden));
    // The bar stays while it is paused.
    await page.evaluate(() => document.getElementById("video").pause());
    await page.hover("#player");
    const boxes = await page.$$eval(".bars media-control-bar > *", (controls) => {
      const outer = document.getElementById("player").getBoundingClientRect();
      const shown = controls.filter((control) => control.className !== "room" && control.getBoundingClientRect().width > 0);
      return shown.map((control) => {
        const { left, right, top, bottom, width, height } = control.getBoundingClientRect();
        const inside = left >= outer.left - 1 && right <= outer.right + 1 && top >= outer.top - 1 && bottom <= outer.bottom + 1;
        return { name: control.id || control.localName, width, height, inside };
      });
    });
    for (const { name, width, height, inside } of boxes) {
      assert.ok(inside, `${name} lies in the player: ${JSON.stringify(boxes)}`);
      assert.ok(width >= 40 && height >= 40, `${name} is ${width} x ${height}`);
    }
    assert.ok(boxes.some(({ name }) => name === "media-fullscreen-button"));
    const chosen = await page.$$eval(".bars select", (selects) => selects.map((select) => select.selectedOptions[0]?.text ?? ""));
    assert.ok(chosen.every((text) => text), `each says what is chosen: ${chosen}`);
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth));
    if (process.env.SCREENSHOTS) await page.screenshot({ path: `${process.env.SCREENSHOTS}/bar-${width}.png` });
    await page.close();
  });
}

test("a page that was open before the text was there offers it, and goes on playing", { timeout: 60_000 }, async () => {
  const page = await house.browser.newPage();
  const problems = [];
  page.on("pageerror", (error) => problems.push(String(error)));
  // As it was before: not ready, and without any text in the master playlist.
  await page.route("**/watch/*", async (route) => {
    const answer = await route.fetch();
    await route.fulfill({ response: answer, body: (await answer.text()).replace('data-state="ready"', 'data-state="playable"') });
  });
  let masters = 0;
  await page.route("**/master.m3u8", async (route) => {
    masters++;
    const answer = await route.fetch();
    const lines = (await answer.text()).split("\n").filter((line) => !line.includes("TYPE=SUBTITLES"));
    await route.fulfill({ response: answer, body: lines.join("\n").replaceAll(',SUBTITLES="text"', "") });
  });
  await page.goto(`${house.base}/watch/${video.id}`);
  await page.waitForFunction(() => document.getElementById("video").currentTime > 0.5, null, { timeout: 30_000 });
  await page.waitForFunction(() => document.getElementById("text").length === 4);
  for (const word of ["Wort", "mot"]) {
    const label = word === "mot" ? "Français" : "Deutsch";
    await page.selectOption("#text", { label: `Subtitles: ${label}` });
    const shown = ([word, label]) => [...document.getElementById("video").textTracks]
      .every((t) => (t.mode === "showing") === (t.label === label)) && [...document.getElementById("video").textTracks]
      .some((t) => [...(t.activeCues || [])].some((c) => c.text.includes(word)));
    await page.waitForFunction(shown, [word, label], { timeout: 20_000 });
  }
  await page.selectOption("#text", { index: 0 });
  await page.waitForFunction(() => [...document.getElementById("video").textTracks].every((t) => t.mode !== "showing"));
  const at = await page.evaluate(() => document.getElementById("video").currentTime);
  await page.waitForFunction((at) => document.getElementById("video").currentTime > at + 0.5, at);
  assert.equal(masters, 1);
  assert.deepEqual(problems, []);
  await page.close();
});

test("a video's owner adds and removes a text file without a script", { timeout: 60_000 }, async () => {
  const context = await house.browser.newContext({ javaScriptEnabled: false, viewport: { width: 390, height: 844 } });
  const page = await context.newPage();
  await page.goto(house.wayIn());
  await page.click("main button");
  await page.goto(`${house.base}/watch/${video.id}`);
  await page.setInputFiles("#text-file", join(house.folder, "fr.srt"));
  await page.fill("#text-language", "ita");
  await page.click("#texts .add button");
  await page.waitForSelector("#texts li:has-text('Italiano')");
  const width = await page.evaluate(() => document.documentElement.scrollWidth).catch(() => 390);
  assert.ok(width <= 390, `${width} pixels wide`);
  if (process.env.SCREENSHOTS) {
    await page.locator("#texts").scrollIntoViewIfNeeded();
    await page.screenshot({ path: process.env.SCREENSHOTS + "/text-files-phone.png", fullPage: true });
    await page.setViewportSize({ width: 1200, height: 900 });
    await page.screenshot({ path: process.env.SCREENSHOTS + "/text-files.png", fullPage: true });
  }
  await page.click("#texts li:has-text('Italiano') button");
  await page.waitForSelector("#texts li:has-text('Français')");
  assert.equal(await page.locator("#texts li").count(), 1);
  await context.close();
});

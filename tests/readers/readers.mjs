// All readers of the table: how each reads, and in which lane it waits for others of its kind.
import { existsSync, readdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { PLAYERS } from "../browser/players.mjs";
import { SOUGHT } from "./measure.mjs";
import { Browsers } from "./readers/browser.mjs";
import { decode } from "./readers/ffmpeg.mjs";
import { probe } from "./readers/ffprobe.mjs";
import * as gstreamer from "./readers/gstreamer.mjs";
import * as mpv from "./readers/mpv.mjs";
import * as vlc from "./readers/vlc.mjs";

/** The protocols of each player; programs take both. */
const PLAYED = { "hls.js": ["HLS"], "Shaka Player": ["HLS", "DASH"], "dash.js": ["DASH"] };

/** FFmpeg as the wheel of `imageio-ffmpeg` brings it; `deploy/test.sh fetch` unpacks it. */
function newestFFmpeg() {
  const folder = resolve(import.meta.dirname, "../../target/imageio-ffmpeg/imageio_ffmpeg/binaries");
  const name = existsSync(folder) && readdirSync(folder).find((file) => file.startsWith("ffmpeg-"));
  if (!name) throw new Error(`there is no FFmpeg in ${folder}: \`deploy/test.sh fetch\` fetches it`);
  return join(folder, name);
}

/** Both readings of a program: from the start, and after a seek. */
const twice = (read) => async (url) => [await read(url, 0), await read(url, SOUGHT)];

/** The readers by name, each with `lane`, `protocols` and `read(url)`; `renew(lane)`, after which a lane's
 *  browser is opened anew; and what must be closed after them. */
export function openReaders(origin) {
  const [browsers, ffmpeg9] = [new Browsers(), newestFFmpeg()];
  const program = (lane, read) => ({ lane, protocols: ["HLS", "DASH"], read });
  const readers = {
    "ffprobe 5.1": program("programs", probe),
    "FFmpeg 5.1": program("programs", twice((url, start) => decode("ffmpeg", url, start))),
    "FFmpeg 9": program("programs", twice((url, start) => decode(ffmpeg9, url, start))),
    "mpv 0.35": program("programs", twice(mpv.read)),
    "GStreamer 1.22": program("programs", twice(gstreamer.read)),
    // In real time.
    "VLC 3.0": program("VLC", twice(vlc.read)),
  };
  for (const browser of ["Chromium", "Firefox", "WebKitGTK"]) {
    for (const player of Object.keys(PLAYERS)) {
      readers[`${browser}, ${player}`] = { lane: browser, protocols: PLAYED[player], read: (url) => browsers.read(browser, player, origin, url) };
    }
  }
  return { readers, renew: (lane) => browsers.renew(lane), close: () => browsers.close() };
}

// The table: what each reader is known to make of each codec by each protocol, in milliseconds.

/** How late the pictures of a rendition are shown by readers that pass over edit lists: two pictures of 30 a second. */
const D = 2000 / 30;

/** Picture and sound start together at 0, and stay together after a seek. */
const TOGETHER = { picture: 0, sound: 0, lag: 0, sought: 0 };
/** Pictures are D late, since the edit list is not looked at. */
const LATE = { picture: D, sound: 0, lag: D, sought: D };
/** FFmpeg 5.1 cannot seek in HLS of fragmented MP4, its own included: nothing comes. */
const WITHOUT_SEEK = { ...TOGETHER, sought: "nothing" };
/** The codec is not decoded: no picture is shown. */
const NOT_DECODED = "cannot decode";

const all = (cell) => ({ "H.264": cell, HEVC: cell, AV1: cell, "pass-through": cell });
const both = (codecs) => ({ HLS: codecs, DASH: codecs });
const only = ({ picture, sound }) => ({ picture, sound });
const unclocked = ({ lag, sought }) => ({ lag, sought });

const chromium = both({ ...all(TOGETHER), HEVC: NOT_DECODED });
const firefox = both(all(TOGETHER));
// Its sound is not measured: `lag` is that of the pictures behind the film's own time.
// With AV1 it hangs after most seeks, so that nothing is said of them.
const webkit = both({ ...all(LATE), AV1: { picture: 0, sound: 0, lag: 0 } });
/** In WebKitGTK Shaka Player does not start with HLS, and asks for AV1 in a way that is answered "no". */
const webkitShaka = { HLS: all(NOT_DECODED), DASH: { ...webkit.DASH, AV1: NOT_DECODED } };

/** By reader, protocol and codec. */
export const EXPECTED = {
  "ffprobe 5.1": both(all(only(TOGETHER))),
  "FFmpeg 5.1": { HLS: all(WITHOUT_SEEK), DASH: all(TOGETHER) },
  "FFmpeg 9": both(all(TOGETHER)),
  "mpv 0.35": { HLS: all(WITHOUT_SEEK), DASH: all(TOGETHER) },
  "GStreamer 1.22": both({ ...all(LATE), AV1: TOGETHER }),
  "VLC 3.0": both({ ...all(unclocked(LATE)), AV1: unclocked(TOGETHER) }),
  "Chromium, hls.js": chromium,
  "Chromium, Shaka Player": chromium,
  "Chromium, dash.js": chromium,
  "Firefox, hls.js": firefox,
  "Firefox, Shaka Player": firefox,
  "Firefox, dash.js": firefox,
  "WebKitGTK, hls.js": webkit,
  "WebKitGTK, Shaka Player": webkitShaka,
  "WebKitGTK, dash.js": webkit,
};

/** How far a value may lie from the expected one, in milliseconds. Most values are time stamps. What is watched while it
 *  plays may be seen one picture of 30 a second late: in Firefox a canvas often holds the picture before the one that
 *  is announced, VLC shows pictures by the machine's clock, and a browser need not announce the very first picture. */
export const toleranceOf = (reader, value) => (/^(VLC|Firefox)/.test(reader) || (value === "picture" && /, /.test(reader)) ? 40 : 3);

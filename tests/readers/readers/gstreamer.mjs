// GStreamer as a reader: `playbin3`, which takes HLS and DASH by the demuxers of its "adaptivedemux2".
import { pythonReader } from "./python.mjs";

export async function read(url, start) {
  const { problem, frames, sound } = await pythonReader("gstreamer.py", [url, start]);
  // All of a piece is silent before its first loud sample.
  const chunks = sound.map(([time, loud]) => ({ time, samples: loud === null ? [] : [...Array(loud).fill(0), 1] }));
  return { problem, frames: frames.map(([time, level]) => ({ time, level })), sound: chunks };
}

// ffprobe as a reader: it says where picture and sound start, and decodes nothing.
import { run } from "../program.mjs";

export async function probe(url) {
  const { stdout, stderr, code } = await run("ffprobe", ["-v", "error", "-show_entries", "stream=codec_type,start_time", "-of", "json", url]);
  if (code) return [{ problem: stderr.trim() }];
  const { streams } = JSON.parse(stdout);
  const start = (kind) => Number(streams.find(({ codec_type: is }) => is === kind).start_time);
  return [{ frames: [{}], isWithoutLevels: true, first: { picture: start("video"), sound: start("audio") } }];
}

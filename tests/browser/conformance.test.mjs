// What `transcode` leaves in a folder is read by parsers of others and held to the standards.
import { describe, test, before, after } from "node:test";
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import HLS from "hls-parser";
import { createFile, MP4BoxBuffer } from "mp4box";
import { parse as parseMpd, stringToMpdXml } from "mpd-parser";

const root = resolve(import.meta.dirname, "../..");
const program = process.env.REELMILL || join(root, "target/debug/reelmill");
const base = "https://cdn.example/film/";
const AAC_FRAME = 1024;
const SHOWN = "frame=pts:stream=width,height,sample_aspect_ratio";
const IDR = 5; // nal_unit_type, ISO/IEC 14496-10 table 7-1

// Noise costs bits, so that rates come near their bounds; noisy sound fits the other's at one place only.
const noise = (rate, seconds) => ["-f", "lavfi", "-i", `anoisesrc=c=pink:a=0.3:seed=7:r=${rate}:d=${seconds}`];
const x264 = ["-c:v", "libx264", "-preset", "ultrafast", "-bf", "3", "-g", "60", "-pix_fmt", "yuv420p"];
const SOURCES = [
  {
    name: "720p at 29.97 with B-frames", file: "even.mp4", sound_at_s: 0,
    made_by: ["-f", "lavfi", "-i", "testsrc2=s=1280x720:r=30000/1001:d=10,noise=alls=12:allf=t",
      ...noise(48000, 10), ...x264, "-c:a", "aac", "-ac", "2"],
  },
  {
    name: "wide pixels and mono sound that starts 0.3 s late", file: "odd.mkv", sound_at_s: 0.3,
    made_by: ["-f", "lavfi", "-i", "testsrc2=s=720x576:r=25:d=4.6,setsar=16/15",
      "-itsoffset", "0.3", ...noise(44100, 4), ...x264, "-c:a", "pcm_s16le"],
  },
];

HLS.setOptions({ strictMode: true }); // a violation throws, a tag that needs a higher EXT-X-VERSION too

const sum = (numbers) => numbers.reduce((total, number) => total + number, 0);
const near = (a, b, tolerance, what) => assert.ok(Math.abs(a - b) <= tolerance, `${what}: ${a} against ${b}`);

/** What mp4box finds in a media segment behind its init segment. Times are in ticks of the track. */
function readSegment(init, media) {
  const whole = Buffer.from(new Uint8Array(Buffer.concat([init, media])).buffer); // at offset 0 of its ArrayBuffer
  const file = createFile();
  file.onError = (module, message) => assert.fail(`${module}: ${message}`);
  file.appendBuffer(MP4BoxBuffer.fromArrayBuffer(whole.buffer, 0), true);
  file.flush();
  const [track, ...others] = file.getInfo().tracks;
  assert.equal(others.length, 0, "one track (ISO/IEC 23000-19)");
  const edits = file.moov.traks[0].edts?.elst.entries ?? [];
  const delay = edits[0]?.media_time ?? 0;
  const samples = file.getTrackSamplesInfo(track.id).map((sample) => ({
    dts: sample.dts, cts: sample.cts - delay, offset: sample.cts - sample.dts, duration: sample.duration, is_sync: sample.is_sync,
    data: whole.subarray(sample.offset, sample.offset + sample.size),
    end_in_segment: sample.offset + sample.size - init.length,
  }));
  return {
    boxes: file.boxes.filter((box) => box.start >= init.length).map((box) => box.type),
    bits: media.length * 8,
    tables: file.moov.traks[0].mdia.minf.stbl.boxes.map((box) => box.type),
    delay, edits,
    brands: { init: file.ftyp.compatible_brands, segment: file.styp?.compatible_brands },
    decode_time: file.moofs[0].trafs[0].tfdt.baseMediaDecodeTime,
    duration: sum(samples.map((sample) => sample.duration)),
    length_prefix: file.moov.traks[0].mdia.minf.stbl.stsd.entries[0].avcC?.lengthSizeMinusOne + 1,
    samples, sequence: file.moofs[0].mfhd.sequence_number, start: samples[0].cts, track,
  };
}

/** A media playlist with all that it names, measured. */
function readRendition(out, uri) {
  const folder = join(out, dirname(uri));
  const playlist = HLS.parse(readFileSync(join(out, uri), "utf8"));
  const init = readFileSync(join(folder, playlist.segments[0].map.uri));
  const media = playlist.segments.map((segment) => readFileSync(join(folder, segment.uri)));
  const segments = media.map((bytes) => readSegment(init, bytes));
  const { track } = segments[0];
  return {
    uri, playlist, segments, track, timescale: track.timescale, is_video: track.type === "video",
    bytes: Buffer.concat([init, ...media]),
    samples: segments.flatMap((segment) => segment.samples),
    duration_s: sum(segments.map((segment) => segment.duration)) / track.timescale,
  };
}

/** Makes a source, its presentation, and reads all of it. */
function present(folder, source) {
  const input = join(folder, source.file);
  const out = join(folder, source.file + ".out");
  execFileSync("ffmpeg", ["-v", "error", ...source.made_by, input]);
  // With every rung, whether or not it is worth its bytes.
  execFileSync(program, ["transcode", "--per-title=false", input, out], { stdio: "pipe" });
  const master = HLS.parse(readFileSync(join(out, "master.m3u8"), "utf8"));
  const [winding, ...others] = master.variants.filter(({ isIFrameOnly }) => isIFrameOnly);
  assert.equal(others.length, 0);
  const variants = master.variants.filter((listed) => listed !== winding).map((listed) => ({
    listed, video: readRendition(out, listed.uri), audio: listed.audio.map(({ uri }) => readRendition(out, uri)),
  }));
  const rungs = variants.map(({ video }) => video);
  const sounds = variants[0].audio;
  const warnings = [];
  const xml = readFileSync(join(out, "manifest.mpd"), "utf8");
  const eventHandler = ({ type, message }) => type === "warn" && warnings.push(message);
  const mpd = parseMpd(xml, { manifestUri: base + "manifest.mpd", eventHandler });
  assert.deepEqual(warnings, []);
  const [, min_buffer_s] = stringToMpdXml(xml).getAttribute("minBufferTime").match(/^PT([\d.]+)S$/);
  const groups = Object.values(mpd.mediaGroups.AUDIO.audio);
  const representations = [mpd, ...groups].flatMap(({ playlists }) => playlists);
  const represented = new Map(representations.map((each) => [each.attributes.NAME, each])); // @id
  return {
    input, master, variants, rungs, sounds, renditions: [...rungs, ...sounds],
    trick: { listed: winding, ...readRendition(out, winding.uri) },
    mpd, min_buffer_s: Number(min_buffer_s), represented,
  };
}

/** Runs ffprobe or ffmpeg over a file or over bytes; whatever it complains of is a failure. */
function run(name, input, args) {
  const from = typeof input === "string" ? ["-i", input] : ["-i", "pipe:0"];
  const { stdout, stderr, status } = spawnSync(name, ["-v", "error", ...from, ...args],
    { input: Buffer.isBuffer(input) ? input : undefined, maxBuffer: 64 << 20 });
  assert.equal(stderr.toString(), "");
  assert.equal(status, 0);
  return stdout;
}
const probe = (input, args) => JSON.parse(run("ffprobe", input, ["-of", "json", ...args]));

/** The type of the first slice of an access unit whose NAL units carry their length in `prefix` bytes. */
function firstSlice(unit, prefix) {
  for (let at = 0; at < unit.length; at += prefix + unit.readUIntBE(at, prefix)) {
    const type = unit[at + prefix] & 31;
    if (type >= 1 && type <= IDR) return type;
  }
}

/** Peak segment bit rate (RFC 8216, 4.1): of any run of 0.5 to 1.5 target durations; and of every segment alone. */
function peak({ segments, playlist, timescale }) {
  let most = 0;
  segments.forEach((_, from) => {
    for (let to = from + 1; to <= segments.length; to++) {
      const row = segments.slice(from, to);
      const seconds = sum(row.map(({ duration }) => duration)) / timescale;
      const targets = seconds / playlist.targetDuration;
      if (row.length > 1 && (targets < 0.5 || targets > 1.5)) continue;
      most = Math.max(most, sum(row.map(({ bits }) => bits)) / seconds);
    }
  });
  return most;
}

/** The least @bandwidth at which a client may start at any segment and wait no more (ISO/IEC 23009-1, 5.3.5.2). */
function leastBandwidth({ segments, timescale }, min_buffer_s) {
  let least = 0;
  segments.forEach((first, from) => {
    let bits = 0;
    for (const segment of segments.slice(from)) {
      for (const { dts, end_in_segment } of segment.samples) {
        const seconds = min_buffer_s + (dts - first.decode_time) / timescale;
        least = Math.max(least, (bits + end_in_segment * 8) / seconds);
      }
      bits += segment.bits;
    }
  });
  return least;
}

/** Sound as one channel at 48 kHz, silence in front where it starts late. */
function sound(input) {
  const placed = "aresample=48000:async=1:first_pts=0";
  const raw = run("ffmpeg", input, ["-vn", "-af", placed, "-ac", "1", "-f", "f32le", "-"]);
  return new Float32Array(raw.buffer.slice(raw.byteOffset, raw.byteOffset + raw.length));
}

/** By how many samples `b` lies behind `a` around a place: where their product is largest. */
function lag(a, b, from, length = 4096, reach = 500) {
  let best = { shift: NaN, likeness: -Infinity };
  for (let shift = -reach; shift <= reach; shift++) {
    let likeness = 0;
    for (let at = from; at < from + length; at++) likeness += a[at] * (b[at + shift] ?? 0);
    if (likeness > best.likeness) best = { shift, likeness };
  }
  return best.shift;
}

const folder = mkdtempSync(join(tmpdir(), "reelmill-conformance-"));
after(() => rmSync(folder, { recursive: true, force: true }));

for (const source of SOURCES) describe(source.name, () => {
  let film;
  before(() => { film = present(folder, source); });

  test("the playlists obey RFC 8216", () => {
    const { master, variants, renditions } = film;
    assert.ok(master.isMasterPlaylist && master.independentSegments);
    assert.ok(variants.length >= 3 && variants.every(({ audio }) => audio.length === 1));
    for (const { playlist } of renditions) {
      assert.ok(playlist.version >= 6, "EXT-X-MAP needs version 6 (section 7)");
      assert.equal(playlist.playlistType, "VOD");
      assert.ok(playlist.endlist && playlist.independentSegments);
      assert.equal(playlist.targetDuration, renditions[0].playlist.targetDuration, "the same in all");
      for (const { duration } of playlist.segments) {
        assert.ok(Math.round(duration) <= playlist.targetDuration, "section 4.3.3.1");
      }
    }
  });

  test("EXTINF is the length of the samples to the microsecond, and sums do not drift", () => {
    for (const { uri, playlist, segments, timescale } of film.renditions) {
      let [listed_us, ticks] = [0, 0];
      segments.forEach((segment, n) => {
        const us = Math.round(playlist.segments[n].duration * 1e6);
        near(us, segment.duration * 1e6 / timescale, 1, `${uri} ${n}`);
        listed_us += us;
        ticks += segment.duration;
        near(listed_us, ticks * 1e6 / timescale, 0.5, `${uri} up to ${n}`);
      });
    }
  });

  test("every segment is one styp, one moof and one mdat, numbered upwards", () => {
    for (const { uri, segments } of film.renditions) {
      segments.forEach((segment, n) => {
        assert.deepEqual(segment.boxes, ["styp", "moof", "mdat"], `${uri} ${n}`);
        assert.equal(segment.samples.at(-1).end_in_segment * 8, segment.bits, "nothing behind the last sample");
        assert.ok(segment.brands.segment.includes("cmfs"), "a CMAF segment");
        assert.deepEqual(segment.tables.toSorted(), ["stco", "stsc", "stsd", "stsz", "stts"]);
        assert.ok(segment.brands.init.includes("cmfc"), "a CMAF track");
        const edits = segment.delay ? [{ segment_duration: 0, media_time: segment.delay, media_rate_integer: 1, media_rate_fraction: 0 }] : [];
        assert.deepEqual(segment.edits, edits, "nothing but the reorder delay is taken away, to the end of all");
        assert.ok(segment.samples.every(({ offset }) => offset >= 0), "composition offsets are unsigned");
        assert.ok(n === 0 || segment.sequence > segments[n - 1].sequence, "ISO/IEC 14496-12, 8.8.5");
      });
    }
  });

  test("decode times run on from 0 without gap or overlap", () => {
    for (const { uri, segments, samples } of film.renditions) {
      assert.equal(segments[0].decode_time, 0, uri);
      segments.forEach(({ decode_time, samples }, n) => assert.equal(samples[0].dts, decode_time, `${uri} ${n}`));
      samples.slice(1).forEach(({ dts }, n) => {
        assert.equal(dts, samples[n].dts + samples[n].duration, `${uri} after sample ${n}`);
      });
    }
  });

  test("every segment of pictures starts with an IDR at its boundary and fills its span evenly", () => {
    for (const { uri, segments } of film.rungs) {
      segments.forEach(({ decode_time, start, samples, length_prefix }, n) => {
        const [first] = samples;
        assert.equal(start, decode_time, `${uri} ${n}: presentation starts at the boundary`);
        assert.ok(first.is_sync, `${uri} ${n}: sync sample`);
        assert.equal(firstSlice(first.data, length_prefix), IDR, `${uri} ${n}`);
        const shown = samples.map(({ cts }) => cts).sort((a, b) => a - b);
        assert.deepEqual(shown, samples.map((_, at) => start + at * first.duration), `${uri} ${n}`);
        assert.ok(samples.every(({ duration }) => duration === first.duration), `${uri} ${n}`);
      });
    }
  });

  test("boundaries are the same in every rung, and sound's lie on its frame grid nearest before", () => {
    const of = ({ segments, timescale }) => segments.map(({ start }) => start / timescale);
    const boundaries = of(film.rungs[0]);
    for (const rung of film.rungs) assert.deepEqual(of(rung), boundaries, rung.uri);
    for (const { uri, segments, timescale } of film.sounds) {
      const grid = boundaries.map((seconds) => Math.floor(seconds * timescale / AAC_FRAME) * AAC_FRAME);
      assert.deepEqual(segments.map(({ start }) => start), grid, uri);
    }
  });

  test("picture and sound start at 0 and end together, and no picture is lost", () => {
    const { streams: [original] } = probe(film.input, ["-select_streams", "v", "-count_packets", "-show_streams"]);
    for (const { uri, segments, samples, is_video, duration_s } of film.renditions) {
      assert.equal(segments[0].start, 0, uri);
      near(duration_s, film.rungs[0].duration_s, 1 / 48000, uri);
      if (is_video) assert.equal(samples.length, Number(original.nb_read_packets), uri);
    }
  });

  test("CODECS, RESOLUTION, FRAME-RATE and CHANNELS are those of the init segments", () => {
    for (const { listed, video, audio: [audio] } of film.variants) {
      const { width, height } = listed.resolution;
      const { codec, track_width, track_height, video: coded } = video.track;
      const codecs = `${codec},${audio.track.codec}`;
      assert.equal(listed.codecs.toLowerCase(), codecs.toLowerCase()); // hex digits: RFC 6381, 3.3
      assert.deepEqual([track_width, track_height, coded.width, coded.height], [width, height, width, height]);
      near(listed.frameRate, video.timescale / video.samples[0].duration, 0.0005, "to three places (section 4.3.4.2)");
      assert.equal(listed.audio[0].channels, String(audio.track.audio.channel_count));
    }
  });

  test("BANDWIDTH holds for every run of segments", () => {
    for (const { listed, video, audio: [audio] } of film.variants) {
      const most = peak(video) + peak(audio);
      assert.ok(most <= listed.bandwidth, `${listed.uri}: ${most} over ${listed.bandwidth}`);
    }
  });

  test("AVERAGE-BANDWIDTH is the measured average, rounded up", () => {
    const average = ({ segments, duration_s }) => sum(segments.map(({ bits }) => bits)) / duration_s;
    for (const { listed, video, audio: [audio] } of film.variants) {
      const measured = average(video) + average(audio);
      assert.ok(listed.averageBandwidth >= measured && listed.averageBandwidth <= measured * 1.01,
        `${listed.uri}: ${listed.averageBandwidth} against ${measured}`);
    }
  });

  test("the MPD lists the renditions and segments of the playlists", () => {
    near(film.mpd.duration, film.rungs[0].duration_s, 1e-6, "mediaPresentationDuration");
    const renditions = [...film.renditions, film.trick]; // this parser does not tell trick play from the rest
    assert.equal(film.represented.size, renditions.length);
    for (const { uri, playlist, segments, track, timescale, is_video } of renditions) {
      const url = (name) => new URL(name, new URL(uri, base)).href;
      const { segments: listed, attributes } = film.represented.get(dirname(uri));
      const urls = playlist.segments.map((segment) => url(segment.uri));
      assert.deepEqual(listed.map(({ resolvedUri }) => resolvedUri), urls);
      listed.forEach(({ duration, presentationTime, map }, n) => {
        assert.equal(map.resolvedUri, url(playlist.segments[n].map.uri));
        near(presentationTime, segments[n].decode_time / timescale, 1e-9, `${uri} ${n}`);
        near(duration, playlist.segments[n].duration, 1e-6, `${uri} ${n}`);
      });
      assert.equal(attributes.CODECS.toLowerCase(), track.codec.toLowerCase());
      const { track_width: width, track_height: height } = track;
      if (is_video) assert.deepEqual(attributes.RESOLUTION, { width, height });
    }
  });

  test("@bandwidth lets a client start at any segment and wait no more", () => {
    for (const rendition of film.renditions) {
      const { attributes } = film.represented.get(dirname(rendition.uri));
      const least = leastBandwidth(rendition, film.min_buffer_s);
      assert.ok(peak(rendition) <= attributes.BANDWIDTH, `${rendition.uri}: peak ${peak(rendition)}`);
      assert.ok(least <= attributes.BANDWIDTH, `${rendition.uri}: ${least} over ${attributes.BANDWIDTH}`);
    }
  });

  test("the I-frame playlist has one IDR for each segment, as long as all of it", () => {
    const { listed, playlist, segments, uri, timescale, ...trick } = film.trick;
    assert.ok(playlist.isIFrame && playlist.version >= 5, "EXT-X-MAP with EXT-X-I-FRAMES-ONLY (section 4.3.2.5)");
    assert.ok(playlist.segments.every(({ byterange }) => !byterange));
    const [rung] = film.rungs;
    assert.equal(segments.length, rung.segments.length);
    segments.forEach(({ samples, boxes, start, length_prefix, duration }, n) => {
      assert.deepEqual(boxes, ["styp", "moof", "mdat"], `${uri} ${n}`);
      assert.equal(samples.length, 1, `${uri} ${n}`);
      assert.equal(firstSlice(samples[0].data, length_prefix), IDR, `${uri} ${n}`);
      const [other, us] = [rung.segments[n], playlist.segments[n].duration * 1e6];
      assert.equal(start / timescale, other.start / rung.timescale);
      assert.equal(duration / timescale, other.duration / rung.timescale);
      near(us, duration * 1e6 / timescale, 1, `${uri} ${n}`);
    });
    const { width, height } = listed.resolution;
    assert.deepEqual([trick.track.track_width, trick.track.track_height], [width, height]);
    assert.equal(listed.codecs.toLowerCase(), trick.track.codec.toLowerCase());
    assert.ok(peak(film.trick) <= listed.bandwidth);
    const { frames } = probe(trick.bytes, ["-show_frames", "-show_entries", SHOWN]);
    assert.deepEqual(frames.map(({ pts }) => pts), segments.map(({ start }) => start));
  });

  test("ffprobe decodes every sample without complaint, each at its time", () => {
    for (const { uri, bytes, segments, track, is_video } of film.renditions) {
      const { frames, streams: [stream] } = probe(bytes, ["-show_frames", "-show_entries", SHOWN]);
      const times = segments.flatMap(({ samples }) => samples.map(({ cts }) => cts).sort((a, b) => a - b));
      assert.deepEqual(frames.map(({ pts }) => pts), times, uri);
      if (!is_video) continue;
      assert.deepEqual([stream.width, stream.height], [track.track_width, track.track_height], uri);
      assert.equal(stream.sample_aspect_ratio, "1:1", "square pixels: the size is the display size");
    }
  });

  test("sound lies where it lay in the source, to the sample", () => {
    const [original, made] = [sound(film.input), sound(film.sounds[0].bytes)];
    const places = [];
    for (let at = source.sound_at_s * 48000; at < original.length - 8192; at += 16000) places.push(at);
    assert.deepEqual(places.map((at) => lag(original, made, at)), places.map(() => 0));
    const early = made.subarray(0, Math.max(0, places[0] - 2 * AAC_FRAME)); // a transform spans two frames
    assert.ok(early.every((value) => Math.abs(value) < 1e-4), "silence before it");
  });
});

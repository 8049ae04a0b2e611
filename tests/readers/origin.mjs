// A server with the film in every codec, and manifests that hold one codec each.
import { createServer } from "node:http";
import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { House } from "../browser/house.mjs";
import { PLAYERS } from "../browser/players.mjs";
import { makeFilm } from "./film.mjs";

/** Which renditions a codec is: by the CODECS of its pictures, and by their height. */
export const CODECS = {
  "H.264": { begins: "avc1", height: 240 },
  HEVC: { begins: "hvc1", height: 360 },
  AV1: { begins: "av01", height: 360 },
  "pass-through": { begins: "avc1", height: 360 },
};
export const PROTOCOLS = { HLS: "master.m3u8", DASH: "manifest.mpd" };

/** The film on a server, and beside it a server of manifests with one codec each, by which a reader is given
 *  no choice: segments come from the server itself. It also serves the page with players for browsers. */
export class Origin {
  static async open() {
    const origin = new this();
    origin.house = await House.open({ browser: false, args: ["--passthrough"] });
    try {
      const { id } = await origin.house.upload(await makeFilm(origin.house.folder));
      origin.id = id;
      origin.media = `${origin.house.base}/v/${id}/`;
      await origin.askForCodecs();
      for (const [protocol, name] of Object.entries(PROTOCOLS)) origin[protocol] = await (await fetch(origin.media + name)).text();
      await origin.serve();
    } catch (error) {
      await origin.close();
      throw error;
    }
    return origin;
  }

  /** Has HEVC and AV1 made, and waits until manifests list both. */
  async askForCodecs() {
    await this.house.until(this.id, ["ready"]);
    const path = `/api/v1/videos/${this.id}/codecs`;
    for (const codec of ["hevc", "av1"]) {
      const answer = await this.house.api(`${path}/${codec}`, { method: "PUT" });
      if (answer.status !== 202) throw new Error(await answer.text());
    }
    // A codec has no event of its own.
    for (;;) {
      const { codecs } = await (await this.house.api(path)).json();
      const failed = codecs.find(({ state }) => state === "failed");
      if (failed) throw new Error(`${failed.codec} could not be made of the film`);
      if (codecs.every(({ state }) => state === "listed")) return;
      await new Promise((done) => setTimeout(done, 500));
    }
  }

  async serve() {
    this.server = createServer((request, response) => {
      const { pathname } = new URL(request.url, "http://localhost");
      const [type, body] = this.file(decodeURIComponent(pathname)) ?? [];
      response.writeHead(body ? 200 : 404, { "content-type": type ?? "text/plain", "cache-control": "no-store",
        "access-control-allow-origin": "*", "content-length": Buffer.byteLength(body ?? "") });
      response.end(body);
    });
    await new Promise((done) => this.server.listen(0, "127.0.0.1", done));
    this.base = `http://127.0.0.1:${this.server.address().port}`;
  }

  /** What is at a path: a manifest of one codec, or a part of the page. */
  file(path) {
    const [, codec, name] = path.split("/");
    if (CODECS[codec] && name === PROTOCOLS.HLS) return ["application/vnd.apple.mpegurl", masterOf(this.HLS, CODECS[codec], this.media)];
    if (CODECS[codec] && name === PROTOCOLS.DASH) return ["application/dash+xml", mpdOf(this.DASH, CODECS[codec], this.media)];
    if (path === "/page") return ["text/html", readFileSync(new URL("page/index.html", import.meta.url))];
    if (path.startsWith("/page/")) return ["text/javascript", readFileSync(new URL(`page/${basename(path)}`, import.meta.url))];
    const player = PLAYERS[name];
    if (player && codec === "player") return ["text/javascript", readFileSync(player.script)];
    if (player && codec === "load") return ["text/javascript", loaderOf(player)];
  }

  /** Where a reader finds the film in one codec. */
  url(codec, protocol) {
    return `${this.base}/${encodeURIComponent(codec)}/${PROTOCOLS[protocol]}`;
  }

  async close() {
    this.server?.close();
    this.server?.closeAllConnections();
    await this.house.close();
  }
}

/** A script that has a player load a manifest, whose URL is given whole. */
function loaderOf({ load }) {
  return `window.load = async (v, url, fail) => { ${load.replace(/base \+ "\/v\/" \+ id \+ "[^"]+"/, "url")} };`;
}

/** A master playlist with one variant and the sound that belongs to it. */
function masterOf(master, { begins, height }, base) {
  const variants = [...master.matchAll(/#EXT-X-STREAM-INF:.*\n.+/g)].map(([text]) => text);
  const [variant, ...others] = variants.filter((text) => text.includes(`CODECS="${begins}`) && text.includes(`x${height},`));
  if (!variant || others.length) throw new Error(`not one variant is ${begins} of ${height}:\n${master}`);
  const head = master.split("\n").slice(0, 3);
  const [group] = variant.match(/AUDIO="[^"]+"/);
  const sounds = master.split("\n").filter((line) => line.startsWith("#EXT-X-MEDIA:TYPE=AUDIO") && line.includes(`GROUP-ID=${group.slice("AUDIO=".length)},`));
  return [...head, ...sounds, variant, ""].join("\n")
    .replaceAll('URI="', `URI="${base}`).replace(/^(v[^\n]+)$/m, base + "$1");
}

/** An MPD with one representation of pictures, and one of sound: Opus beside AV1, else AAC. */
function mpdOf(mpd, { begins, height }, base) {
  const sound = begins === "av01" ? "opus" : "mp4a";
  const sets = [...mpd.matchAll(/ *<AdaptationSet[\s\S]*?<\/AdaptationSet>\n/g)].map(([text]) => text);
  const kept = sets.filter((set) => !set.includes("trickmode")).map((set) => set.replace(/ *<Representation[\s\S]*?(\/>|<\/Representation>)\n/g, (text) => {
    const isKept = text.includes(`codecs="${begins}`) && text.includes(`height="${height}"`) || text.includes(`codecs="${sound}`);
    return isKept ? text : "";
  })).filter((set) => set.includes("<Representation"));
  if (kept.length !== 2) throw new Error(`${kept.length} adaptation sets are ${begins} of ${height} or ${sound}:\n${mpd}`);
  const [before, after] = [mpd.slice(0, mpd.indexOf(sets[0])), mpd.slice(mpd.indexOf(sets.at(-1)) + sets.at(-1).length)];
  return before.replace(/(<MPD[^>]*>\n)/, `$1  <BaseURL>${base}</BaseURL>\n`) + kept.join("") + after;
}

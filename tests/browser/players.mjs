// The players before which videos are tested: where each is, and how it loads one (`base`, `id` and the
// element `v` are there; `fail` takes an error that ends it).
import { createRequire } from "node:module";

const require = createRequire(import.meta.url);

/** All of `v` is played. dash.js 5.2 does not say the end to its media source where an append is under
 *  way then, nor later: the last picture is shown, but `ended` never comes. */
export const PLAYED = `new Promise((done) => {
  v.addEventListener("ended", done);
  for (const name of ["timeupdate", "waiting"]) v.addEventListener(name, () => v.duration - v.currentTime < 0.001 && done());
})`;

export const PLAYERS = {
  "hls.js": {
    script: new URL("../../origin/assets/vendor/hls-1.7.4.min.js", import.meta.url).pathname,
    load: `const hls = new Hls();
      hls.on(Hls.Events.ERROR, (_, e) => e.fatal && fail(new Error(e.details)));
      hls.loadSource(base + "/v/" + id + "/master.m3u8");
      hls.attachMedia(v);`,
  },
  "Shaka Player": {
    script: require.resolve("shaka-player/dist/shaka-player.compiled.js"),
    // Else a seek in the moment of a switch ends its request for the init segment, and Shaka 5.2
    // never makes another, since it keeps the ended one (shaka-player issue 10569).
    load: `shaka.polyfill.installAll();
      const player = new shaka.Player();
      player.configure("streaming.segmentPrefetchLimit", 0);
      await player.attach(v);
      player.addEventListener("error", (e) => fail(new Error(e.detail.code)));
      await player.load(base + "/v/" + id + "/manifest.mpd");`,
  },
  "dash.js": {
    script: new URL("node_modules/dashjs/dist/modern/umd/dash.all.min.js", import.meta.url).pathname,
    load: `const player = dashjs.MediaPlayer().create();
      player.on("error", (e) => fail(new Error(e.error.message)));
      player.initialize(v, base + "/v/" + id + "/manifest.mpd", false);`,
  },
};

/** How each player is told which rung it has to play: the lowest or the highest. */
export const CHOICE = {
  "hls.js": `const choose = (highest) => { hls.nextLevel = highest ? hls.levels.length - 1 : 0; };`,
  "Shaka Player": `player.configure("abr.enabled", false);
    const choose = (highest) => {
      const tracks = player.getVariantTracks().sort((a, b) => a.height - b.height);
      player.selectVariantTrack(tracks.at(highest ? -1 : 0), true);
    };`,
  "dash.js": `player.updateSettings({ streaming: { abr: { autoSwitchBitrate: { video: false } } } });
    const choose = (highest) => {
      const all = player.getRepresentationsByType("video").sort((a, b) => a.height - b.height);
      player.setRepresentationForTypeById("video", all.at(highest ? -1 : 0).id, true);
    };`,
};

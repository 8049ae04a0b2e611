// Watch page: waits until the video is playable, starts it at once, fills the menus, and shows the progress of
// encoding.
"use strict";
const page = document.getElementById("watch");
const video = document.getElementById("video");
const state = document.getElementById("state");
const encoded = document.getElementById("encoded");
const trouble = document.getElementById("error");
const quality = document.getElementById("quality");
const base = "/v/" + page.dataset.video + "/";
let now = page.dataset.state;
let started = false;
// The hls.js player, or null. It is not read from `window.player`, which is the element of that id until it is set.
let streaming = null;

/** Starts the player; `known` says what the video has: storyboard, chapters, or sound alone. */
function start(known) {
  if (started) return;
  started = true;
  const hls = play(video, base + "master.m3u8", () => now === "ready", () => {
    trouble.hidden = false;
    trouble.textContent = "The video cannot be loaded. Reload the page to try again.";
  });
  window.player = streaming = hls;
  if (hls) {
    hls.on(Hls.Events.MANIFEST_PARSED, () => fillQualityMenu(hls));
    hls.on(Hls.Events.LEVEL_SWITCHED, (_, data) => showLevel(hls, hls.levels[data.level]));
    hls.on(Hls.Events.AUDIO_TRACKS_UPDATED, () => fillTrackMenus(hls));
    hls.on(Hls.Events.SUBTITLE_TRACKS_UPDATED, () => fillTrackMenus(hls));
  }
  // Playback starts with sound if the browser allows that, as it does after an upload; otherwise it starts muted.
  video.play().catch((error) => {
    if (error.name !== "NotAllowedError") return;
    video.muted = true;
    video.play().catch(() => { /* The browser does not allow that either; the viewer has to start it. */ });
  });
  addTracks(known);
  // Sound without a cover has no picture, so that only the controls are shown, all the time.
  if (known.sound) {
    page.classList.add("sound-alone");
    document.getElementById("player").setAttribute("autohide", "-1");
  }
}

/** Adds the tracks for storyboard and chapters. The script does it because they do not exist when the page is loaded
 *  before the video is playable. */
function addTracks(known) {
  const add = (kind, label, name) => {
    const track = document.createElement("track");
    Object.assign(track, { kind, label, src: base + name });
    track.default = kind === "metadata";
    video.append(track);
    // A hidden track is loaded, so that the seek bar can show it.
    track.track.mode = "hidden";
  };
  if (known.storyboard) add("metadata", "thumbnails", "storyboard.vtt");
  if (known.chapters) add("chapters", "Chapters", "chapters.vtt");
}

const speed = document.getElementById("speed");
for (let quarters = 8; quarters > 0; quarters -= 1) speed.add(new Option("Speed: " + quarters / 4 + "×", quarters / 4));
speed.value = 1;
speed.onchange = () => { video.playbackRate = Number(speed.value); };
video.addEventListener("ratechange", () => { speed.value = video.playbackRate; });

// The quality menu has the sizes of one codec only: a player does not leave the codec that it has chosen.
const auto = new Option("Auto", -1);
const nameOf = (level) => Math.min(level.width, level.height) + "p";
const codecOf = (level) => (level.videoCodec || "").slice(0, 4);
let offeredCodec;
function offerLevels(hls, playing) {
  if (codecOf(playing) === offeredCodec) return;
  offeredCodec = codecOf(playing);
  const offered = hls.levels.map((level, index) => [level, index]).filter(([level]) => codecOf(level) === offeredCodec);
  quality.replaceChildren(auto, ...offered.reverse().map(([level, index]) => new Option(nameOf(level), index)));
  quality.value = hls.manualLevel;
}

/** Fills the quality menu when the master playlist is loaded, if there is a choice. */
function fillQualityMenu(hls) {
  const pictures = hls.levels.filter((level) => level.height);
  if (pictures.length < 2) return;
  // Levels are sorted by bit rate, so the first one has the codec that needs the fewest bytes.
  offeredCodec = null;
  offerLevels(hls, pictures[0]);
  quality.hidden = false;
  quality.onchange = () => { hls.nextLevel = Number(quality.value); };
}

/** Shows the level that plays in the quality menu. */
function showLevel(hls, level) {
  if (quality.hidden) return;
  offerLevels(hls, level);
  auto.text = hls.autoLevelEnabled ? "Auto (" + nameOf(level) + ")" : "Auto";
}

// Subtitles that were added after the player had read the master playlist. They become tracks of the video element, so
// that the playlist need not be loaded again during playback.
const late = [];
function addLateSubtitles(texts, hls) {
  // While the master playlist is not read, the subtitles may be in it; this function is called again afterwards.
  if (!hls) return;
  if (!hls.levels.length) return void hls.once(Hls.Events.MANIFEST_PARSED, () => setTimeout(addLateSubtitles, 0, texts, hls));
  const known = [...late.map((track) => track.src), ...hls.allSubtitleTracks.map((track) => track.url)];
  const fresh = texts.filter((text) => !known.some((url) => url.includes(text.id)));
  for (const text of fresh) {
    const track = document.createElement("track");
    Object.assign(track, { kind: "subtitles", label: text.name, src: base + text.id + "/all.vtt" });
    if (text.language) track.srclang = text.language;
    video.append(track);
    track.track.mode = "disabled";
    late.push(track);
  }
  if (fresh.length) fillTrackMenus(hls);
}

/** Fills the menus for sound and subtitles, and shows each if it has a choice. */
function fillTrackMenus(hls) {
  const fill = (select, what, tracks, chosen, choose) => {
    select.replaceChildren(...tracks.map(([label, index]) => new Option(what + ": " + label, index)));
    select.value = chosen;
    select.hidden = tracks.length < 2;
    select.onchange = () => choose(Number(select.value));
  };
  const named = (tracks) => tracks.map((track, index) => [track.name, index]);
  // Before a sound track is loaded, the default one counts as chosen: hls.js will load it.
  const heard = hls.audioTrack >= 0 ? hls.audioTrack : Math.max(0, hls.audioTracks.findIndex((track) => track.default));
  fill(document.getElementById("sound"), "Sound", named(hls.audioTracks), heard, (track) => { hls.audioTrack = track; });
  const listed = hls.subtitleTracks.length;
  const texts = [["none", -1], ...named(hls.subtitleTracks), ...late.map((track, index) => [track.label, listed + index])];
  const showing = late.findIndex((track) => track.track.mode === "showing");
  fill(document.getElementById("text"), "Subtitles", texts, showing >= 0 ? listed + showing : hls.subtitleTrack, (chosen) => {
    hls.subtitleDisplay = chosen >= 0 && chosen < listed;
    hls.subtitleTrack = chosen < listed ? chosen : -1;
    late.forEach((track, index) => { track.track.mode = chosen === listed + index ? "showing" : "disabled"; });
  });
}

const words = { waiting: "waiting", probing: "examining the file", playable: "playable", ready: "ready", failed: "failed" };

// The owner's parts of the page are refreshed when the state changes, and every two seconds while a codec is encoded.
const OWNER_REFRESH_MS = 2000;
let seen = "", due = null;
function updateOwnerParts(status) {
  if (!window.owner) return;
  const state = JSON.stringify([status.state, status.error, status.texts]);
  if (state !== seen) {
    seen = state;
    refreshOwnerParts();
  } else if (isPending() && due === null) {
    due = setTimeout(() => { due = null; refreshOwnerParts(); }, OWNER_REFRESH_MS);
  }
}

/** Shows an event of the server; returns whether no further event is needed. */
function show(status) {
  now = status.state;
  const part = status.total ? status.made / status.total : 0;
  const encoding = now === "playable" && status.total > 0;
  state.textContent = status.source === "receiving" ? "uploading"
    : status.scanned !== null ? "examining the file, " + status.scanned + " %"
    : encoding ? "encoding, " + Math.floor(part * 100) + " %" : words[now] || now;
  encoded.hidden = !encoding;
  encoded.value = part;
  trouble.hidden = !status.error;
  trouble.textContent = status.error || "";
  for (const part of document.querySelectorAll("#player, .links, .keys")) part.hidden = now === "failed";
  if (now === "playable" || now === "ready") start(status);
  // The cover of a sound file is its poster.
  if (now === "ready" && status.poster && !video.poster) video.poster = base + "poster.jpg";
  addLateSubtitles(status.texts, streaming);
  updateOwnerParts(status);
  return (now === "ready" || now === "failed") && !(window.owner && isPending());
}

if (now === "playable" || now === "ready") {
  start({ storyboard: page.dataset.storyboard === "true", chapters: page.dataset.chapters === "true", sound: page.dataset.sound === "true" });
}
if (now !== "ready" || (window.owner && isPending())) {
  const events = new EventSource("/events?video=" + page.dataset.video);
  events.onmessage = (event) => { if (show(JSON.parse(event.data))) events.close(); };
}

// The watch page: waits until the video is playable, starts at once, shows how far the encode is.
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
// Not `window.player`, which is the element of that name until there is one.
let streaming = null;

function start(known) {
  if (started) return;
  started = true;
  const hls = play(video, base + "master.m3u8", () => now === "ready", () => {
    trouble.hidden = false;
    trouble.textContent = "The video cannot be loaded any more. Reload the page to try again.";
  });
  window.player = streaming = hls;
  if (hls) {
    hls.on(Hls.Events.MANIFEST_PARSED, () => rungs(hls));
    hls.on(Hls.Events.LEVEL_SWITCHED, (_, data) => playing(hls, hls.levels[data.level]));
    hls.on(Hls.Events.AUDIO_TRACKS_UPDATED, () => languages(hls));
    hls.on(Hls.Events.SUBTITLE_TRACKS_UPDATED, () => languages(hls));
  }
  // With sound where the browser lets us, which it does after an upload; else without.
  video.play().catch((error) => {
    if (error.name !== "NotAllowedError") return;
    video.muted = true;
    video.play().catch(() => { /* the viewer starts it */ });
  });
  tracks(known);
  // Sound without a cover has nothing to show but its controls.
  if (known.sound) {
    page.classList.add("sound-alone");
    document.getElementById("player").setAttribute("autohide", "-1");
  }
}

// Side-car text does not exist before the plan does, hence not in the page.
function tracks(known) {
  const add = (kind, label, name) => {
    const track = document.createElement("track");
    Object.assign(track, { kind, label, src: base + name });
    track.default = kind === "metadata";
    video.append(track);
    // Loaded, so that the seek bar can show them.
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

// The rungs of one codec: a player does not leave the one that it has chosen.
const auto = new Option("Auto", -1);
const nameOf = (level) => Math.min(level.width, level.height) + "p";
const codecOf = (level) => (level.videoCodec || "").slice(0, 4);
let offered;
function offer(hls, playing) {
  if (codecOf(playing) === offered) return;
  offered = codecOf(playing);
  const rungs = hls.levels.map((level, index) => [level, index]).filter(([level]) => codecOf(level) === offered);
  quality.replaceChildren(auto, ...rungs.reverse().map(([level, index]) => new Option(nameOf(level), index)));
  quality.value = hls.manualLevel;
}

function rungs(hls) {
  const pictures = hls.levels.filter((level) => level.height);
  if (pictures.length < 2) return;
  // By rate: that of the codec that takes least.
  offered = null;
  offer(hls, pictures[0]);
  quality.hidden = false;
  quality.onchange = () => { hls.nextLevel = Number(quality.value); };
}

function playing(hls, level) {
  if (quality.hidden) return;
  offer(hls, level);
  auto.text = hls.autoLevelEnabled ? "Auto (" + nameOf(level) + ")" : "Auto";
}

// Text that came after the player had read the master playlist: tracks of the element itself, so that
// nothing that plays is loaded anew.
const late = [];
function hear(texts, hls) {
  // Before the master playlist is read, it may yet list them.
  if (!hls) return;
  if (!hls.levels.length) return void hls.once(Hls.Events.MANIFEST_PARSED, () => setTimeout(hear, 0, texts, hls));
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
  if (fresh.length) languages(hls);
}

// Sound and text by name, where there is a choice.
function languages(hls) {
  const fill = (select, what, tracks, chosen, choose) => {
    select.replaceChildren(...tracks.map(([label, index]) => new Option(what + ": " + label, index)));
    select.value = chosen;
    select.hidden = tracks.length < 2;
    select.onchange = () => choose(Number(select.value));
  };
  const named = (tracks) => tracks.map((track, index) => [track.name, index]);
  // Before any is loaded it is the default that will be.
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

const words = { waiting: "waiting", probing: "looking at it", playable: "playable", ready: "ready", failed: "failed" };

// What the owner sees besides follows what happens, at most so often.
const LOOK_MS = 2000;
let seen = "", due = null;
function ownersParts(status) {
  if (!window.owner) return;
  const state = JSON.stringify([status.state, status.error, status.texts]);
  if (state !== seen) {
    seen = state;
    lookAgainAtAll();
  } else if (isPending() && due === null) {
    due = setTimeout(() => { due = null; lookAgainAtAll(); }, LOOK_MS);
  }
}

function show(status) {
  now = status.state;
  const part = status.total ? status.made / status.total : 0;
  const encoding = now === "playable" && status.total > 0;
  state.textContent = status.source === "receiving" ? "uploading"
    : status.scanned !== null ? "reading it, " + status.scanned + " %"
    : encoding ? "encoding, " + Math.floor(part * 100) + " %" : words[now] || now;
  encoded.hidden = !encoding;
  encoded.value = part;
  trouble.hidden = !status.error;
  trouble.textContent = status.error || "";
  for (const part of document.querySelectorAll("#player, .links, .keys")) part.hidden = now === "failed";
  if (now === "playable" || now === "ready") start(status);
  // A cover is all that there is to see of sound.
  if (now === "ready" && status.poster && !video.poster) video.poster = base + "poster.jpg";
  hear(status.texts, streaming);
  ownersParts(status);
  return (now === "ready" || now === "failed") && !(window.owner && isPending());
}

if (now === "playable" || now === "ready") {
  start({ storyboard: page.dataset.storyboard === "true", chapters: page.dataset.chapters === "true", sound: page.dataset.sound === "true" });
}
if (now !== "ready" || (window.owner && isPending())) {
  const events = new EventSource("/events?video=" + page.dataset.video);
  events.onmessage = (event) => { if (show(JSON.parse(event.data))) events.close(); };
}

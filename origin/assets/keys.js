// Keyboard shortcuts of the player, the same as on YouTube. All of them work while the player has the focus. Those that
// do not scroll the page work on the whole page too, unless the viewer turns that off (WCAG 2.2, 2.1.4).
"use strict";
{
  const video = document.getElementById("video");
  const player = document.getElementById("player");
  const frame = Number(document.getElementById("watch").dataset.frame) || 1 / 30;
  const clamp = (value, low, high) => Math.min(high, Math.max(low, value));
  const seek = (by) => { video.currentTime = clamp(video.currentTime + by, 0, video.duration || 0); };
  const step = (by) => { video.pause(); seek(by); };
  const volume = (by) => { video.muted = false; video.volume = clamp(video.volume + by, 0, 1); };
  const speed = (by) => { video.playbackRate = clamp(video.playbackRate + by, 0.25, 2); };
  const toggle = () => { if (video.paused) video.play().catch(() => {}); else video.pause(); };
  const ask = (name) => player.dispatchEvent(new CustomEvent(name, { composed: true, bubbles: true }));
  const fullscreen = () => {
    if (document.fullscreenElement) document.exitFullscreen();
    else ask("mediaenterfullscreenrequest");
  };
  const captions = () => {
    const menu = document.getElementById("text");
    if (menu.hidden) return;
    const none = "-1";
    if (menu.value !== none) last = menu.value;
    menu.value = menu.value === none ? last ?? menu.options[1].value : none;
    menu.dispatchEvent(new Event("change"));
  };
  let last = null;
  const keys = {
    k: toggle, " ": toggle, m: () => { video.muted = !video.muted; }, f: fullscreen, c: captions,
    j: () => seek(-10), l: () => seek(10),
    ArrowLeft: () => seek(-5), ArrowRight: () => seek(5),
    ArrowUp: () => volume(0.05), ArrowDown: () => volume(-0.05),
    ",": () => step(-frame), ".": () => step(frame),
    "<": () => speed(-0.25), ">": () => speed(0.25),
    Home: () => { video.currentTime = 0; },
    End: () => { if (video.duration) video.currentTime = video.duration; },
  };
  const switches = new Set([toggle, fullscreen, captions, keys.m]);
  for (let tenth = 0; tenth < 10; tenth += 1) {
    keys[tenth] = () => { if (video.duration) video.currentTime = (video.duration * tenth) / 10; };
  }
  const everywhere = document.getElementById("keys-everywhere");
  try {
    everywhere.checked = localStorage.getItem("keys") !== "player";
    everywhere.addEventListener("change", () => localStorage.setItem("keys", everywhere.checked ? "page" : "player"));
  } catch { /* Without storage, the choice holds for this page only. */ }
  /** Whether a key that is pressed outside of the player is meant for it. */
  const isForPlayer = (event) => everywhere.checked && !player.hidden
    && !event.target.closest("input, textarea, select, [contenteditable]")
    && !(event.key === " " && event.target.closest("button, summary, a"))
    && !/^(ArrowUp|ArrowDown|Home|End)$/.test(event.key);
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (player.contains(event.target)) {
      const on = event.target.localName;
      // A control that has the focus keeps the keys that operate it.
      if (on === "select") return;
      if (on.endsWith("-range") && /^(Arrow|Home|End)/.test(event.key)) return;
      if (on.endsWith("-button") && event.key === " ") return;
    } else if (!isForPlayer(event)) return;
    // On a keyboard layout without Latin letters, the position of the key counts.
    const letter = /^Key([A-Z])$/.exec(event.code)?.[1].toLowerCase();
    const act = keys[event.key.length === 1 ? event.key.toLowerCase() : event.key] || (event.key > "\u007f" && keys[letter]);
    if (!act) return;
    event.preventDefault();
    // A key that is held down repeats seeking and volume, but does not switch anything on and off.
    if (!(event.repeat && switches.has(act))) act();
  });
}

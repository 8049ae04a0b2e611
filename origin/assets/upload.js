// Upload on the start page: sends a file that was chosen or dropped, shows the progress, and opens the watch page. Also
// keeps the list of videos up to date.
"use strict";
const drop = document.getElementById("drop");
const input = document.getElementById("file");
const box = document.getElementById("progress");
const bar = box.querySelector("progress");
const text = document.getElementById("progress-text");
const trouble = document.getElementById("trouble");
let running = null;
/** Number of tries to send a block before the upload fails. */
const TRIES = 5;

// The script uploads a file as soon as it is chosen; the form's own button is for browsers without scripts.
document.getElementById("send").hidden = true;
document.getElementById("choose").hidden = false;
input.classList.add("visually-hidden");

/** Ends the upload and shows the reason, if there is one. */
function stop(reason) {
  running = null;
  box.hidden = true;
  input.value = "";
  trouble.hidden = !reason;
  trouble.textContent = reason || "";
}

/** Shows the progress of the upload; `done` is from 0 to 1. */
const show = (file, done) => {
  bar.value = done;
  text.textContent = file.name + ", " + Math.floor(done * 100) + " %";
};

/** Sends a request. Resolves with its status and the JSON of its answer; rejects if there is no answer. */
function send(request, body) {
  return new Promise((resolve, reject) => {
    request.onload = () => {
      let answer = {};
      try { answer = JSON.parse(request.responseText); } catch { /* The answer is not JSON; the status says what happened. */ }
      resolve({ status: request.status, answer });
    };
    request.onerror = () => reject(new Error("The connection was lost. Please try again."));
    request.onabort = () => reject(new Error(""));
    request.send(body);
  });
}

/** Returns the answer if its status is one of `statuses`; otherwise throws the server's reason. */
const expected = ({ status, answer }, ...statuses) => {
  if (statuses.includes(status)) return answer;
  throw new Error(answer.detail || "The upload failed (" + status + ").");
};

/** Uploads the whole file in one request to the server; returns the video's id. */
async function uploadWhole(file, title, cancelled) {
  const request = new XMLHttpRequest();
  cancelled.addEventListener("abort", () => request.abort());
  request.open("POST", "/api/v1/videos?title=" + title);
  request.upload.onprogress = (event) => show(file, event.loaded / (event.total || file.size || 1));
  return expected(await send(request, file), 201).id;
}

/** Uploads the file block by block into the object store, three blocks at a time; returns the video's id. */
async function uploadBlocks(file, title, cancelled) {
  const call = async (method, path) => {
    const answer = await fetch("/api/v1/uploads" + path, { method, signal: cancelled });
    return expected({ status: answer.status, answer: await answer.json() }, 200, 201);
  };
  const upload = await call("POST", `?title=${title}&size=${file.size}`);
  const blocks = Math.ceil(file.size / upload.block_bytes);
  const path = "/" + upload.id;
  const sent = new Array(blocks).fill(0);
  let next = 0, parts = [], turn = Promise.resolve();
  // The next block and its signed request. Calls wait for each other, so that each block is handed out once.
  const nextPart = () => (turn = turn.then(async () => {
    if (!parts.length && next < blocks) {
      parts = await call("GET", `${path}/parts?first=${next}&count=6`);
      next += parts.length;
    }
    return parts.shift();
  }));
  const put = async ({ index, bytes, url, headers }) => {
    const request = new XMLHttpRequest();
    cancelled.addEventListener("abort", () => request.abort());
    request.open("PUT", url);
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    request.upload.onprogress = (event) => {
      sent[index] = event.loaded;
      show(file, sent.reduce((sum, one) => sum + one, 0) / file.size);
    };
    const from = index * upload.block_bytes;
    // 412 means that an earlier try has stored the block, although its answer was lost.
    expected(await send(request, file.slice(from, from + bytes)), 200, 412);
  };
  const putWithRetries = async (part) => {
    for (let tries = 1; ; tries++) {
      try {
        return await put(part);
      } catch (error) {
        if (cancelled.aborted || tries === TRIES) throw error;
        await new Promise((done) => setTimeout(done, 1000 * tries));
        // The signed request may have expired, so a new one is needed.
        [part] = await call("GET", `${path}/parts?first=${part.index}&count=1`);
      }
    }
  };
  const sendParts = async () => {
    for (let part = await nextPart(); part; part = await nextPart()) {
      await putWithRetries(part);
      call("POST", path + "/sync").catch(() => {});
    }
  };
  try {
    await Promise.all([sendParts(), sendParts(), sendParts()]);
    return (await call("POST", path + "/complete")).id;
  } catch (error) {
    fetch("/api/v1/videos/" + upload.video, { method: "DELETE", keepalive: true }).catch(() => {});
    throw error;
  }
}

/** Uploads a file and opens its watch page. */
async function upload(file) {
  if (running) return;
  running = new AbortController();
  trouble.hidden = true;
  box.hidden = false;
  bar.value = 0;
  text.textContent = file.name;
  // The player's scripts are loaded during the upload, so that the watch page finds them in the browser's cache.
  for (const url of drop.dataset.warm.split(" ")) fetch(url, { priority: "low" }).catch(() => {});
  const title = encodeURIComponent(file.name.replace(/\.[^.]+$/, ""));
  const { signal } = running;
  try {
    const sendFile = "direct" in drop.dataset && file.size ? uploadBlocks : uploadWhole;
    location.assign("/watch/" + (await sendFile(file, title, signal)));
  } catch (error) {
    stop(signal.aborted ? "" : error.message);
  }
}

document.getElementById("cancel").addEventListener("click", () => running && running.abort());
const chosen = () => input.files[0] && upload(input.files[0]);
input.addEventListener("change", chosen);
// A file may have been chosen before this script was loaded.
chosen();
for (const name of ["dragover", "dragenter"]) {
  addEventListener(name, (event) => { event.preventDefault(); drop.classList.add("over"); });
}
addEventListener("dragleave", (event) => event.relatedTarget || drop.classList.remove("over"));
addEventListener("drop", (event) => {
  event.preventDefault();
  drop.classList.remove("over");
  if (event.dataTransfer.files[0]) upload(event.dataTransfer.files[0]);
});

// The list is refreshed every five seconds while the page is visible and a video in it is unfinished, and when the
// visitor comes back to the page.
const REFRESH_MS = 5000;
const list = document.getElementById("cards");
async function refreshList() {
  const answer = await fetch(location.href, { cache: "no-store" }).catch(() => null);
  const text = answer?.ok ? await answer.text().catch(() => "") : "";
  const fresh = new DOMParser().parseFromString(text, "text/html").getElementById("cards");
  if (!fresh || fresh.innerHTML === list.innerHTML) return;
  const focused = list.contains(document.activeElement) && document.activeElement.getAttribute("href");
  list.replaceChildren(...fresh.children);
  if (focused) list.querySelector(`[href="${focused}"]`)?.focus();
  const empty = document.querySelector(".empty");
  if (empty) empty.hidden = list.children.length > 0;
}
const isUnfinished = () => list.querySelector(".state:not(.failed)") !== null;
setInterval(() => document.visibilityState === "visible" && isUnfinished() && refreshList(), REFRESH_MS);
addEventListener("pageshow", (event) => {
  const [navigation] = performance.getEntriesByType("navigation");
  if (event.persisted) stop("");
  if (event.persisted || navigation?.type === "back_forward") refreshList();
});

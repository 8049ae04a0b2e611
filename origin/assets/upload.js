// Drop a file, watch it: the upload, and its progress.
"use strict";
const drop = document.getElementById("drop");
const input = document.getElementById("file");
const box = document.getElementById("progress");
const bar = box.querySelector("progress");
const text = document.getElementById("progress-text");
const trouble = document.getElementById("trouble");
let running = null;
/** How often a block is tried. */
const TRIES = 5;

// With scripts, choosing is enough; the form's own button is for who has none.
document.getElementById("send").hidden = true;
document.getElementById("choose").hidden = false;
input.classList.add("visually-hidden");

function stop(reason) {
  running = null;
  box.hidden = true;
  input.value = "";
  trouble.hidden = !reason;
  trouble.textContent = reason || "";
}

const show = (file, done) => {
  bar.value = done;
  text.textContent = file.name + ", " + Math.floor(done * 100) + " %";
};

/** Resolves with a request's status and answer, rejects where there is none. */
function send(request, body) {
  return new Promise((resolve, reject) => {
    request.onload = () => {
      let answer = {};
      try { answer = JSON.parse(request.responseText); } catch { /* said by the status */ }
      resolve({ status: request.status, answer });
    };
    request.onerror = () => reject(new Error("The connection was lost. Please try again."));
    request.onabort = () => reject(new Error(""));
    request.send(body);
  });
}

const expected = ({ status, answer }, ...fine) => {
  if (fine.includes(status)) return answer;
  throw new Error(answer.detail || "The upload failed (" + status + ").");
};

/** The whole file in one request. */
async function whole(file, title, cancelled) {
  const request = new XMLHttpRequest();
  cancelled.addEventListener("abort", () => request.abort());
  request.open("POST", "/api/v1/videos?title=" + title);
  request.upload.onprogress = (event) => show(file, event.loaded / (event.total || file.size || 1));
  return expected(await send(request, file), 201).id;
}

/** Block by block into the object store, three at a time. */
async function direct(file, title, cancelled) {
  const call = async (method, path) => {
    const answer = await fetch("/api/v1/uploads" + path, { method, signal: cancelled });
    return expected({ status: answer.status, answer: await answer.json() }, 200, 201);
  };
  const upload = await call("POST", `?title=${title}&size=${file.size}`);
  const blocks = Math.ceil(file.size / upload.block_bytes);
  const path = "/" + upload.id;
  const sent = new Array(blocks).fill(0);
  let next = 0, parts = [], turn = Promise.resolve();
  const part = () => (turn = turn.then(async () => {
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
    // 412: an earlier try arrived, though its answer did not.
    expected(await send(request, file.slice(from, from + bytes)), 200, 412);
  };
  const surely = async (to) => {
    for (let tries = 1; ; tries++) {
      try {
        return await put(to);
      } catch (error) {
        if (cancelled.aborted || tries === TRIES) throw error;
        await new Promise((done) => setTimeout(done, 1000 * tries));
        // Its signed request may have expired meanwhile.
        [to] = await call("GET", `${path}/parts?first=${to.index}&count=1`);
      }
    }
  };
  const lane = async () => {
    for (let to = await part(); to; to = await part()) {
      await surely(to);
      call("POST", path + "/sync").catch(() => {});
    }
  };
  try {
    await Promise.all([lane(), lane(), lane()]);
    return (await call("POST", path + "/complete")).id;
  } catch (error) {
    fetch("/api/v1/videos/" + upload.video, { method: "DELETE", keepalive: true }).catch(() => {});
    throw error;
  }
}

async function upload(file) {
  if (running) return;
  running = new AbortController();
  trouble.hidden = true;
  box.hidden = false;
  bar.value = 0;
  text.textContent = file.name;
  // The player's scripts are in the browser's cache before the video is there.
  for (const url of drop.dataset.warm.split(" ")) fetch(url, { priority: "low" }).catch(() => {});
  const title = encodeURIComponent(file.name.replace(/\.[^.]+$/, ""));
  const { signal } = running;
  try {
    const way = "direct" in drop.dataset && file.size ? direct : whole;
    location.assign("/watch/" + (await way(file, title, signal)));
  } catch (error) {
    stop(signal.aborted ? "" : error.message);
  }
}

document.getElementById("cancel").addEventListener("click", () => running && running.abort());
const chosen = () => input.files[0] && upload(input.files[0]);
input.addEventListener("change", chosen);
// It may have been chosen before this script came.
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

// The list follows what happens while somebody looks at it, and is fresh again for who comes back.
const LOOK_MS = 5000;
const list = document.getElementById("cards");
async function lookAgain() {
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
setInterval(() => document.visibilityState === "visible" && isUnfinished() && lookAgain(), LOOK_MS);
addEventListener("pageshow", (event) => {
  const [came] = performance.getEntriesByType("navigation");
  if (event.persisted) stop("");
  if (event.persisted || came?.type === "back_forward") lookAgain();
});

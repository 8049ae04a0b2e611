// Drop a file, watch it: the upload, and its progress.
"use strict";
const drop = document.getElementById("drop");
const input = document.getElementById("file");
const box = document.getElementById("progress");
const bar = box.querySelector("progress");
const text = document.getElementById("progress-text");
const trouble = document.getElementById("trouble");
let running = null;

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

function upload(file) {
  if (running) return;
  const request = new XMLHttpRequest();
  running = request;
  trouble.hidden = true;
  box.hidden = false;
  bar.value = 0;
  text.textContent = file.name;
  // The player's scripts are in the browser's cache before the video is there.
  for (const url of drop.dataset.warm.split(" ")) fetch(url, { priority: "low" }).catch(() => {});
  const title = file.name.replace(/\.[^.]+$/, "");
  request.open("POST", "/api/v1/videos?title=" + encodeURIComponent(title));
  request.upload.onprogress = (event) => {
    bar.value = event.loaded / (event.total || file.size || 1);
    text.textContent = file.name + ", " + Math.floor(bar.value * 100) + " %";
  };
  request.onload = () => {
    let answer = {};
    try { answer = JSON.parse(request.responseText); } catch { /* said below */ }
    if (request.status === 201) location.assign("/watch/" + answer.id);
    else stop(answer.detail || "The upload failed (" + request.status + ").");
  };
  request.onerror = () => stop("The connection was lost. Please try again.");
  request.onabort = () => stop("");
  request.send(file);
}

document.getElementById("cancel").addEventListener("click", () => running && running.abort());
input.addEventListener("change", () => input.files[0] && upload(input.files[0]));
for (const name of ["dragover", "dragenter"]) {
  addEventListener(name, (event) => { event.preventDefault(); drop.classList.add("over"); });
}
addEventListener("dragleave", (event) => event.relatedTarget || drop.classList.remove("over"));
addEventListener("drop", (event) => {
  event.preventDefault();
  drop.classList.remove("over");
  if (event.dataTransfer.files[0]) upload(event.dataTransfer.files[0]);
});
// Back from the watch page: the form is fresh again.
addEventListener("pageshow", (event) => event.persisted && stop(""));

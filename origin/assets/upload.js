// Drop a file, watch it: the upload, and its progress.
const drop = document.getElementById("drop");
const input = document.getElementById("file");
const box = document.getElementById("progress");
const bar = box.querySelector("progress");
const text = document.getElementById("progress-text");

function upload(file) {
  box.hidden = false;
  const request = new XMLHttpRequest();
  const title = file.name.replace(/\.[^.]+$/, "");
  request.open("POST", "/api/v1/videos?title=" + encodeURIComponent(title));
  request.upload.onprogress = (event) => {
    bar.value = event.loaded / (event.total || file.size || 1);
    text.textContent = Math.floor(bar.value * 100) + " %";
  };
  request.onload = () => {
    let answer = {};
    try { answer = JSON.parse(request.responseText); } catch { /* said below */ }
    if (request.status === 201) location.assign("/watch/" + answer.id);
    else text.textContent = answer.detail || "The upload failed (" + request.status + ").";
  };
  request.onerror = () => { text.textContent = "The connection was lost. Please try again."; };
  request.send(file);
}

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

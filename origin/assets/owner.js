// Owner's part of the watch page: keeps it up to date while the video changes, and submits the subtitle form without
// leaving the page, so that a refused form keeps its fields.
"use strict";
const owner = document.getElementById("owner");

/** Whether a form in this part of the page is partly filled in. */
const isFilledIn = (part) => [...part.querySelectorAll("input")].some((input) => input.value !== input.defaultValue);

let isRefreshing = false;
let refreshAgain = false;

/** Loads the page again and replaces the owner's parts that have changed, except where a form is being filled in. */
async function refreshOwnerParts() {
  refreshAgain = isRefreshing;
  if (isRefreshing) return;
  isRefreshing = true;
  const answer = await fetch(location.pathname).catch(() => null);
  const text = answer?.ok ? await answer.text().catch(() => "") : "";
  const fresh = new DOMParser().parseFromString(text, "text/html").getElementById("owner");
  [...(fresh?.children ?? [])].forEach((now, place) => {
    const part = owner.children[place];
    if (isFilledIn(part) || part.innerHTML === now.innerHTML) return;
    const focused = part.contains(document.activeElement) ? document.activeElement.getAttribute("aria-label") : null;
    part.replaceChildren(...now.childNodes);
    if (focused) part.querySelector(`[aria-label="${CSS.escape(focused)}"]`)?.focus();
  });
  isRefreshing = false;
  if (refreshAgain) await refreshOwnerParts();
}

/** Whether a codec is being encoded, which the state of the video does not show. */
const isPending = () => Boolean(owner.querySelector("[data-pending]"));

// The subtitle form is sent by the script: if the server refuses it, the chosen file and the typed fields stay.
owner.addEventListener("submit", async (event) => {
  const form = event.target;
  if (form.id !== "texts-add") return;
  event.preventDefault();
  const button = form.querySelector("button");
  button.disabled = true;
  const trouble = document.getElementById("texts-trouble");
  trouble.hidden = true;
  let error = "The connection was lost. Please try again.";
  try {
    const answer = await fetch(form.action, { method: "POST", body: new FormData(form) });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (answer.ok) {
      form.reset();
      error = "";
      await refreshOwnerParts();
    } else {
      error = page.getElementById("texts-trouble")?.textContent || page.querySelector("main p")?.textContent || "The file was not added.";
    }
  } catch { /* The connection was lost: the error has its text already. */ }
  button.disabled = false;
  trouble.textContent = error;
  trouble.hidden = !error;
});

// What a video's owner sees on its page: kept up to date while things happen, and forms that lose nothing.
"use strict";
const owner = document.getElementById("owner");

/** Whether somebody is filling in a form there. */
const isFilledIn = (part) => [...part.querySelectorAll("input")].some((input) => input.value !== input.defaultValue);

let looking = false;
let lookAgain = false;

/** Takes what the page would have now; what somebody is at stays. */
async function lookAgainAtAll() {
  lookAgain = looking;
  if (looking) return;
  looking = true;
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
  looking = false;
  if (lookAgain) await lookAgainAtAll();
}

/** Whether something is being made that is no part of the video's state. */
const isPending = () => Boolean(owner.querySelector("[data-pending]"));

// A file that is refused is still chosen, with what was typed.
owner.addEventListener("submit", async (event) => {
  const form = event.target;
  if (form.id !== "texts-add") return;
  event.preventDefault();
  const button = form.querySelector("button");
  button.disabled = true;
  const trouble = document.getElementById("texts-trouble");
  trouble.hidden = true;
  let said = "The connection was lost. Please try again.";
  try {
    const answer = await fetch(form.action, { method: "POST", body: new FormData(form) });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (answer.ok) {
      form.reset();
      said = "";
      await lookAgainAtAll();
    } else {
      said = page.getElementById("texts-trouble")?.textContent || page.querySelector("main p")?.textContent || "The file was not added.";
    }
  } catch { /* said above */ }
  button.disabled = false;
  trouble.textContent = said;
  trouble.hidden = !said;
});

// Short messages at the corner. Good news leaves by itself; an error stays until it is dismissed.
const host = document.getElementById("toasts");
const SHOWN = 6000; // ms, read twice at leisure

const leave = (toast) => { toast.remove(); if (!host.children.length && host.matches(":popover-open")) host.hidePopover() };
const expire = (toast) => { if (!toast.classList.contains("errored")) setTimeout(leave, SHOWN, toast) };

// A popover shown anew lies above a dialog that was opened since.
const raise = () => { if (host.matches(":popover-open")) host.hidePopover(); host.showPopover() };

export function toast(words, state = "pass") {
  const made = document.getElementById("toast").content.firstElementChild.cloneNode(true);
  made.classList.replace("pass", state);
  made.querySelector("use").setAttribute("href", `#shape-${state}`);
  made.querySelector(".words").textContent = words;
  host.append(made);
  raise();
  expire(made);
}

if (host.children.length) { raise(); [...host.children].forEach(expire) }
host.addEventListener("click", (event) => { if (event.target.closest("[data-dismiss]")) leave(event.target.closest(".toast")) });

// The server's own word for it: HX-Trigger {"toast": {"words", "state"}}; see evalhub/htmx.py.
document.addEventListener("toast", (event) => toast(event.detail.words, event.detail.state));

const REASONS = {
  400: "The request was not understood.", 403: "You may not do this, or you were signed out: reload the page.", 404: "This is no longer there.",
  409: "Somebody else was faster: reload the page.", 413: "This is too large.", 429: "Too many requests: wait a moment.",
};

// What happened to a request, as a sentence.
export const reason = ({ type, detail: { xhr } }) => {
  if (type === "htmx:sendError") return "The server cannot be reached.";
  if (type === "htmx:timeout") return "The server took too long to answer.";
  const plain = (xhr.getResponseHeader("Content-Type") || "").startsWith("text/plain") && xhr.responseText.slice(0, 300);
  return plain || REASONS[xhr.status] || `The server failed (${xhr.status}).`;
};

// Parts that come after the page say it in their own place: lazy.js.
export const isLazy = (element) => element.matches?.('[hx-trigger^="load"]:not([hx-trigger*="every"]), [hx-trigger="toggle once"]');

document.addEventListener("htmx:responseError", (event) => {
  if (isLazy(event.target)) return;
  const words = reason(event);
  toast(words.startsWith("The server failed") ? `${words} Reload the page before you try again.` : words, "errored");
});
document.addEventListener("htmx:sendError", (event) => {
  if (!isLazy(event.target)) toast(`${reason(event)} Nothing was changed; try again.`, "errored");
});
document.addEventListener("htmx:timeout", (event) => {
  if (!isLazy(event.target)) toast(`${reason(event)} Reload the page before you try again.`, "errored");
});

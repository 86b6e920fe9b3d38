// Fragments of class "asking" ask for themselves again after a time that the server sets. This file keeps them quiet in a
// hidden tab, wakes them when it is shown again, and has them try again later when the server cannot be reached: nobody
// asked for what they bring, so nobody is told that it failed.
const AGAIN = 30_000; // ms
const asking = (event) => event.detail?.elt?.matches?.(".asking");
const wake = () => { if (!document.hidden) for (const one of document.querySelectorAll(".asking")) htmx.trigger(one, "awake") };

document.addEventListener("htmx:beforeRequest", (event) => { if (asking(event) && document.hidden) event.preventDefault() });
document.addEventListener("visibilitychange", wake);

// Before the listeners that would say so in a toast.
for (const failure of ["htmx:sendError", "htmx:timeout", "htmx:responseError"]) {
  addEventListener(failure, (event) => {
    if (!asking(event)) return;
    event.stopImmediatePropagation();
    const { status } = event.detail.xhr;
    if (status === 0 || status >= 500) setTimeout(wake, AGAIN); // else it is no longer ours to ask
  }, { capture: true });
}

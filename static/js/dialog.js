// Dialogs: data-dialog="id" opens one, data-close closes the one around it, a click on the scrim closes it too.
// A <dialog data-open> that HTMX brings opens by itself; hx-confirm asks in our own dialog, whose buttons say data-yes
// and data-no where their usual words would be unclear.
const open = (dialog) => { if (dialog && !dialog.open) dialog.showModal() };

document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-dialog]");
  if (opener) return open(document.getElementById(opener.dataset.dialog));
  if (event.target.closest("[data-close]")) return event.target.closest("dialog")?.close();
  if (event.target.localName !== "dialog") return;
  const box = event.target.getBoundingClientRect();
  const inside = event.clientX >= box.left && event.clientX <= box.right && event.clientY >= box.top && event.clientY <= box.bottom;
  if (!inside) event.target.close();
});

const openBrought = () => document.querySelectorAll("dialog[data-open]").forEach(open);
document.addEventListener("htmx:afterSettle", openBrought);
openBrought();

// A dialog that HTMX brought is gone once closed, so that the next one finds no ids of the last one.
document.addEventListener("close", (event) => { if (event.target.matches("#dialog dialog")) event.target.remove() }, true);

// One whose form was accepted, and which sends its page elsewhere, has done its work.
document.addEventListener("htmx:afterRequest", ({ target, detail }) => {
  if (detail.xhr.getResponseHeader("HX-Location")) target.closest?.("#dialog dialog")?.close();
});

let agreed = null;

document.addEventListener("htmx:confirm", (event) => {
  const { elt: asking, question, issueRequest } = event.detail;
  if (!question) return;
  event.preventDefault();
  if (agreed === asking) return issueRequest(true);
  const dialog = document.getElementById("confirm");
  dialog.querySelector("h2").textContent = question;
  const words = asking.dataset;
  dialog.querySelector("[value=yes]").textContent = words.yes || event.detail.triggeringEvent?.submitter?.textContent.trim() || "Confirm";
  dialog.querySelector("[value='']").textContent = words.no || "Cancel";
  dialog.returnValue = "";
  dialog.addEventListener("close", () => {
    if (dialog.returnValue !== "yes") return;
    if (asking.isConnected) return issueRequest(true);
    // Its part of the page came anew while somebody thought about it, as that of a run at work does every few seconds.
    agreed = [...document.querySelectorAll(asking.localName)].find((one) => one.outerHTML === asking.outerHTML);
    agreed?.click();
    agreed = null;
  }, { once: true });
  open(dialog);
});

// Keyboard first: data-key="e" on a button, link or field makes the key click or focus it (several: "j ]"); `?` lists
// what a page knows.
// data-go="r" on a link is where `g` and then `r` lead.
// Whoever handles a key of its own (j, k, x in the table) calls preventDefault() or lists it in the page's "keys" block.
const typing = (target) => target.closest("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]");
const usable = (element) => !element.disabled && element.checkVisibility();

// The last one on the page wins: a drawer's keys come before those of the page below.
const holder = (key) => {
  const within = document.querySelector("dialog:modal") ?? document;
  return [...within.querySelectorAll(`[data-key~="${CSS.escape(key)}"]`)].filter(usable).at(-1);
};

const PATIENCE = 1500; // ms between the two keys
let waiting = 0; // until when `g` waits for its letter

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (typing(event.target)) {
    if (event.key !== "Escape") return;
    // A search field would be emptied; within a dialog or a menu the key has that closed, as ever.
    if (!event.target.closest("dialog, [popover]")) event.preventDefault();
    return event.target.blur();
  }
  const modal = document.querySelector("dialog:modal");
  const goal = performance.now() < waiting && !modal && document.querySelector(`[data-go="${CSS.escape(event.key)}"]`);
  waiting = event.key === "g" && !goal && !modal ? performance.now() + PATIENCE : 0;
  if (goal) { event.preventDefault(); event.stopImmediatePropagation(); goal.click(); return }
  const element = holder(event.key);
  if (!element) return;
  event.preventDefault();
  if (element.matches("input, textarea, select")) { element.focus(); element.select?.() } else element.click();
});

const list = document.getElementById("keylist");
const own = list?.innerHTML ?? "";
document.getElementById("keys")?.addEventListener("toggle", (event) => {
  if (event.newState !== "open") return;
  list.innerHTML = own; // our own words from the template, not data
  const said = new Set(Array.from(list.querySelectorAll("kbd"), (key) => key.textContent));
  for (const element of document.querySelectorAll("[data-key]")) {
    const names = element.dataset.key.split(" ").map((name) => name === "Escape" ? "Esc" : name);
    if (names.every((name) => said.has(name))) continue;
    const key = document.createElement("dt"), does = document.createElement("dd");
    for (const name of names) {
      key.append(Object.assign(document.createElement("kbd"), { textContent: name }), " ");
      said.add(name);
    }
    does.textContent = element.dataset.does || element.getAttribute("aria-label") || element.textContent.trim();
    list.append(key, does);
  }
  for (const { dataset } of document.querySelectorAll("[data-go]")) {
    const key = document.createElement("dt"), does = document.createElement("dd");
    for (const name of ["g", dataset.go]) key.append(Object.assign(document.createElement("kbd"), { textContent: name }), " ");
    does.textContent = dataset.does;
    list.append(key, does);
  }
});

// Completion in the filter: asks the server what may come at the caret while one types. Arrows choose, Enter or Tab
// inserts, Escape closes. Enter without a choice runs the filter, as ever.
const WAIT = 60; // ms after the last key
const input = () => document.getElementById("q");
const list = () => document.getElementById("completions");
const options = () => [...list().querySelectorAll("[role=option]")];
const chosen = () => list().querySelector("[aria-selected=true]");
let timer, asked; // what the shown options are for

const close = () => {
  clearTimeout(timer);
  asked = null;
  if (!list()) return;
  list().replaceChildren();
  input().setAttribute("aria-expanded", "false");
  input().removeAttribute("aria-activedescendant");
};

// The server counts characters, the browser UTF-16 units: an emoji before the caret is one there and two here.
const characters = (text) => [...text].length;
const units = (text, count) => [...text].slice(0, count).join("").length;

const ask = () => {
  clearTimeout(timer);
  const { value, selectionStart } = input();
  asked = { value, at: selectionStart };
  const query = new URLSearchParams({ q: value, at: characters(value.slice(0, selectionStart)) });
  const { url } = list().dataset;
  htmx.ajax("GET", `${url}${url.includes("?") ? "&" : "?"}${query}`, { source: list(), target: list(), swap: "innerHTML" })
    .catch(() => {}); // given up for a newer question, or because the list was fetched meanwhile
};
const soon = () => { clearTimeout(timer); timer = setTimeout(ask, WAIT) };

const choose = (option) => {
  for (const other of options()) other.setAttribute("aria-selected", String(other === option));
  option.scrollIntoView({ block: "nearest" });
  input().setAttribute("aria-activedescendant", option.id);
};

const insert = (option) => {
  const field = input(), text = asked?.value;
  if (text !== field.value) return ask(); // typed on meanwhile
  const { insert: words, start, end, more } = option.dataset;
  const rest = text.slice(units(text, Number(end)));
  const head = text.slice(0, units(text, Number(start))) + (rest.startsWith(" ") ? words.trimEnd() : words);
  field.value = head + rest;
  field.setSelectionRange(head.length, head.length);
  field.parentElement.querySelector(".echo")?.replaceChildren();
  field.dispatchEvent(new CustomEvent("completed", { bubbles: true })); // no "input": that would ask again
  close();
  if (more !== undefined) ask();
};

document.addEventListener("input", (event) => {
  if (event.target.id !== "q") return;
  event.target.parentElement.querySelector(".echo")?.replaceChildren(); // painted for the text of before
  event.target.value.trim() ? soon() : close();
});
document.addEventListener("focusout", (event) => { if (event.target.id === "q") close() });
document.addEventListener("submit", close, { capture: true });
// Before the field loses its focus by the press.
document.addEventListener("mousedown", (event) => {
  const option = event.target.closest("#completions [role=option]");
  if (event.target.closest("#completions")) event.preventDefault();
  if (option) insert(option);
});

document.addEventListener("htmx:afterSwap", (event) => {
  if (event.target.id !== "completions") return;
  if (!asked || document.activeElement !== input()) return close();
  input().setAttribute("aria-expanded", String(options().length > 0));
  input().removeAttribute("aria-activedescendant");
});

// Before keys.js, which takes Escape for leaving the field.
document.addEventListener("keydown", (event) => {
  if (event.target.id !== "q" || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  const all = options(), now = all.indexOf(chosen());
  if (event.key === "F1") document.querySelector("[data-key~=F1]")?.click();
  else if (event.key === "ArrowDown" && !all.length) ask();
  else if (event.key === "ArrowDown" || (event.key === "ArrowUp" && all.length)) {
    choose(all.at((now + (event.key === "ArrowDown" ? 1 : now < 0 ? 0 : -1)) % all.length));
  } else if (event.key === "Escape" && all.length) close();
  else if (event.key === "Enter" && chosen()) insert(chosen());
  else if (event.key === "Tab" && !event.shiftKey && (chosen() || all[0]?.dataset.typed !== undefined)) insert(chosen() ?? all[0]);
  else return;
  event.preventDefault();
  event.stopPropagation();
}, { capture: true });

// Ticks in the records table: a row, a range with Shift, the page, or all that match the filter. `x` ticks the row under
// the cursor, Shift-x up to it. The form #bulk is the selection: ticks belong to it, and "all that match" enables its
// filter. A tick lasts as long as its row is shown; "all that match" lasts while the filter does.
const bar = () => document.querySelector(".bulk");
const ticks = () => [...document.querySelectorAll("#records tbody [name=ids]")];
const field = (name) => document.querySelector(`#chosen [name=${name}]`);
let last = -1; // where a range begins
let matching = null; // the filter all of whose records are chosen

const here = () => JSON.stringify([field("q").value, field("spans").value]);

const show = () => {
  const toolbar = bar();
  if (!toolbar) return; // no rows, or a filter that cannot be read
  const all = ticks(), n = all.filter((tick) => tick.checked).length, every = matching !== null;
  field("matching").disabled = !every;
  field("n").value = n;
  toolbar.querySelector(".said").hidden = every;
  toolbar.querySelector(".said strong").textContent = n;
  toolbar.querySelector(".said-all").hidden = !every;
  const counted = document.querySelector("#count strong")?.textContent.match(/[\d,]+\+?/)?.[0] ?? "";
  toolbar.querySelector(".said-all strong").textContent = `All ${counted}`;
  toolbar.querySelector(".all").hidden = every;
  toolbar.querySelector(".all .n").textContent = counted || "that match";
  const page = document.getElementById("tick-page");
  if (page) { page.checked = n > 0 && n === all.length; page.indeterminate = n > 0 && n < all.length }
};

const set = (chosen, on) => { for (const tick of chosen) tick.checked = on };

const clear = () => { matching = null; last = -1; set(ticks(), false); show() };

const range = (index, on) => {
  const all = ticks(), [from, to] = [Math.min(last, index), Math.max(last, index)];
  set(all.slice(from, to + 1), on);
};

// One row less than all that match is a selection by hand again, of what is shown.
const ticked = (tick, shift) => {
  matching = null;
  const index = ticks().indexOf(tick);
  if (shift && last >= 0) range(index, tick.checked);
  last = index;
  show();
};

document.addEventListener("click", (event) => {
  const { target } = event;
  if (target.matches("#records tbody [name=ids]")) return ticked(target, event.shiftKey);
  if (target.id === "tick-page") { matching = null; set(ticks(), target.checked); last = -1; return show() }
  if (target.closest(".bulk .all")) { matching = here(); set(ticks(), true); return show() }
  if (target.closest(".bulk .clear")) clear();
});

// Shift on a label would mark text instead of a range.
document.addEventListener("mousedown", (event) => { if (event.shiftKey && event.target.closest(".c-check")) event.preventDefault() });

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.key.toLowerCase() !== "x") return;
  if (event.target.closest("input:not([type=checkbox]), textarea, select, dialog")) return;
  const row = document.querySelector("#records tr.cursor") ?? document.activeElement?.closest("#records tbody tr") ?? document.querySelector("#records tbody tr");
  const tick = row?.querySelector("[name=ids]");
  if (!tick) return;
  event.preventDefault();
  tick.checked = event.shiftKey && last >= 0 ? true : !tick.checked;
  ticked(tick, event.shiftKey);
});

// New rows: ticks are gone, but all that match still match, whichever page is shown.
document.addEventListener("htmx:afterSettle", (event) => {
  if (event.target.id === "count") return show();
  if (event.target.id !== "results") return;
  last = -1;
  if (!bar() || matching !== here()) matching = null;
  else set(ticks(), true);
  show();
});

const refresh = () => htmx.ajax("GET", location.pathname + location.search, { target: "#results", swap: "innerHTML" });
document.addEventListener("records-changed", () => { clear(); refresh() });

// Work that ends by itself must not move what is being read.
document.addEventListener("bulk-ended", () => {
  const busy = ticks().some((tick) => tick.checked) || document.querySelector("dialog:modal") || document.querySelector(".table-wrap")?.scrollTop;
  if (!busy) refresh();
});
document.addEventListener("bulk-started", clear);

clear(); // a browser that remembers ticks over a reload would remember them for other rows

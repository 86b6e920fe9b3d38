// Widths of the table's columns: the edge of a heading is dragged, or moved with the arrow keys (`w` goes there); a double
// click or Delete gives the column its own width back. Kept in the layout of user and project. The edges are made here:
// without script there is nothing to drag.
const NARROWEST = 40, WIDEST = 1200; // as in records.models.layout
const STEP = 16;
const table = () => document.getElementById("records");
const heads = () => [...table().querySelectorAll("thead th:not(.c-check)")];
const colOf = (edge) => table().querySelectorAll("col[data-column]")[heads().indexOf(edge.parentElement)];
const edges = () => [...document.querySelectorAll("#records thead .edge")];

// From the first change on every column keeps its width, whatever the window's is.
const freeze = () => {
  if (table().classList.contains("sized")) return;
  const widths = heads().map((head) => head.offsetWidth);
  table().querySelectorAll("col[data-column]").forEach((col, n) => { col.width = widths[n] });
  table().classList.add("sized");
};

const say = (edge) => edge.setAttribute("aria-valuenow", Math.round(edge.parentElement.offsetWidth));
const widen = (edge, to) => {
  freeze();
  colOf(edge).width = Math.max(NARROWEST, Math.min(Math.round(to), WIDEST));
  say(edge);
};

const save = () => {
  const cols = [...table().querySelectorAll("col[data-column]")];
  const values = { columns: cols.map((col) => col.dataset.column), widths: cols.map((col) => col.width) };
  htmx.ajax("POST", table().dataset.widths, { source: document.body, swap: "none", values });
};

let waiting;
const saveSoon = () => { clearTimeout(waiting); waiting = setTimeout(save, 400) }; // a held key is one change

const own = (edge) => {
  freeze();
  colOf(edge).removeAttribute("width");
  say(edge);
  save();
};

const only = (stop) => { for (const edge of edges()) edge.tabIndex = edge === stop ? 0 : -1 };

const add = () => {
  if (!table() || edges().length) return;
  const query = matchMedia("(width >= 48rem)");
  if (!query.matches) return; // a list there, without columns
  for (const head of heads()) {
    const edge = document.createElement("span");
    edge.className = "edge";
    edge.title = "Drag, or press ← and →, to change the width; double click or Delete for the column's own";
    const said = { role: "separator", "aria-orientation": "vertical", "aria-valuemin": NARROWEST, "aria-valuemax": WIDEST };
    for (const [name, value] of Object.entries(said)) edge.setAttribute(name, value);
    edge.setAttribute("aria-label", `Width of ${head.textContent.trim()}`);
    edge.setAttribute("aria-valuenow", head.offsetWidth);
    head.append(edge);
  }
  only(edges()[0]);
};

let dragged, from, began;
document.addEventListener("pointerdown", (event) => {
  if (event.button !== 0 || !event.target.matches?.("#records .edge")) return;
  event.preventDefault();
  dragged = event.target;
  only(dragged);
  dragged.focus({ preventScroll: true });
  dragged.setPointerCapture(event.pointerId);
  from = event.clientX;
  began = dragged.parentElement.offsetWidth;
});
document.addEventListener("pointermove", (event) => { if (dragged && event.clientX !== from) widen(dragged, began + event.clientX - from) });
const drop = () => {
  if (!dragged) return;
  const changed = dragged.parentElement.offsetWidth !== began;
  dragged = undefined;
  if (changed) save();
};
document.addEventListener("pointerup", drop);
document.addEventListener("pointercancel", drop);
document.addEventListener("dblclick", (event) => { if (event.target.matches("#records .edge")) own(event.target) });

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
  const edge = event.target.closest?.("#records .edge");
  if (!edge) {
    if (event.key !== "w" || !edges().length || event.target.closest("input:not([type=checkbox]), textarea, select, dialog, .drawer")) return;
    edges().find((one) => one.tabIndex === 0)?.focus();
    return event.preventDefault();
  }
  const side = { ArrowLeft: -1, ArrowRight: 1 }[event.key], beside = { ArrowUp: -1, ArrowDown: 1 }[event.key];
  if (side) { widen(edge, edge.parentElement.offsetWidth + side * STEP * (event.shiftKey ? 4 : 1)); saveSoon() }
  else if (beside) { const next = edges()[edges().indexOf(edge) + beside]; if (next) { only(next); next.focus() } }
  else if (event.key === "Delete" || event.key === "Backspace") own(edge);
  else if (event.key === "Escape") edge.blur();
  else return;
  event.preventDefault();
});

// What stands still at the left has a line of its own while the rest is scrolled away under it.
document.addEventListener("scroll", (event) => {
  if (event.target.matches?.(".table-wrap")) event.target.classList.toggle("aside", event.target.scrollLeft > 0);
}, { capture: true, passive: true });

document.addEventListener("htmx:afterSettle", (event) => { if (event.target.id === "results") add() });
add();

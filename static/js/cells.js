// Filter by this value: a click on a cell, or `f` on the row of the cursor, opens the menu of what it can be filtered by.
const menu = () => document.getElementById("cell-menu");

const open = async (source, id, cell) => {
  const target = menu(), query = new URLSearchParams(target.dataset.query);
  if (cell !== undefined) query.set("cell", cell);
  await htmx.ajax("GET", `${location.pathname}${encodeURIComponent(id)}/filters?${query}`, { source: target, target, swap: "innerHTML" });
  if (target !== menu() || !source.isConnected) return; // another list by now
  if (target.matches(":popover-open")) target.hidePopover();
  target.showPopover({ source });
  target.querySelector("a")?.focus();
};

document.addEventListener("click", (event) => {
  const cell = event.target.closest("#records tbody td");
  if (!cell || cell.matches(".c-check, .c-rest") || event.target.closest("a, button, input, label") || event.shiftKey || !getSelection().isCollapsed) return;
  open(cell, cell.parentElement.dataset.id, cell.cellIndex - 1);
});

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
  const within = event.target.closest("#cell-menu");
  if (within && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
    const links = [...within.querySelectorAll("a")], now = links.indexOf(document.activeElement);
    links.at((now + (event.key === "ArrowDown" ? 1 : -1)) % links.length)?.focus();
    return event.preventDefault();
  }
  if (event.key !== "f" || event.target.closest("input:not([type=checkbox]), textarea, select, dialog, .drawer")) return;
  const row = document.querySelector("#records tr.cursor") ?? document.activeElement?.closest("#records tbody tr") ?? document.querySelector("#records tbody tr");
  if (!row) return;
  event.preventDefault();
  open(row.querySelector("a.open") ?? row, row.dataset.id);
});

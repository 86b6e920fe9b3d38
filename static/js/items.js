// The items of a dataset by keyboard: j and k move over the rows, e edits the one that has the cursor, Ctrl+Enter saves
// its form. Everything else is done by links and buttons, which have keys of their own.
const rows = () => [...document.querySelectorAll("#rows tr[data-item]")];
let at = -1;

const place = (index) => {
  const all = rows();
  if (!all.length) return;
  at = Math.max(0, Math.min(index, all.length - 1));
  for (const row of all) row.classList.toggle("cursor", row === all[at]);
  all[at].scrollIntoView({ block: "nearest" });
  all[at].querySelector("a")?.focus({ preventScroll: true });
};

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.isComposing || event.altKey) return;
  const form = event.target.closest("[data-editing] form");
  if (form && event.key === "Enter" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); return form.requestSubmit() }
  if (event.ctrlKey || event.metaKey || event.target.closest("input, textarea, select, dialog")) return;
  const within = rows().indexOf(event.target.closest("tr[data-item]"));
  if (within >= 0) at = within;
  if (event.key === "j" || event.key === "k") { event.preventDefault(); return place(event.key === "j" ? at + 1 : at - 1) }
  const edit = event.key === "e" && rows()[at]?.querySelector("[data-edit]");
  if (edit) { event.preventDefault(); edit.click() }
});

// A new item that is given up has no row to come back to.
document.addEventListener("click", (event) => {
  if (event.target.closest("[data-drop]")) event.target.closest("tr").remove();
});

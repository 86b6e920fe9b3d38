// The cases of a comparison by keyboard, as in the records table: j and k move over them, Enter opens one, Esc closes
// it. While one is open, j and k show the one below and above in its place.
const cases = () => [...document.querySelectorAll("#cases a.open")];
const panel = () => document.getElementById("case");
const shown = () => panel()?.querySelector("[data-case]")?.dataset.case;
const row = (link) => link.closest("tr, li");
const under = () => cases().findIndex((link) => row(link).classList.contains("cursor"));
const mark = (chosen) => { for (const link of cases()) row(link).classList.toggle("cursor", link === chosen) };

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest("input:not([type=checkbox]), textarea, select, dialog")) return;
  const all = cases(), at = under();
  if ((event.key !== "j" && event.key !== "k") || !all.length) return;
  event.preventDefault();
  const next = Math.max(0, Math.min(event.key === "j" ? at + 1 : at - 1, all.length - 1));
  mark(all[next]);
  all[next].focus({ preventScroll: true });
  if (shown() === undefined) row(all[next]).scrollIntoView({ block: "nearest" });
  else if (next !== at) all[next].click();
});

document.addEventListener("htmx:afterSettle", (event) => {
  if (event.target.id !== "case") return;
  mark(cases().find((link) => link.dataset.case === shown()));
  if (event.detail.requestConfig.elt.matches("a")) panel().scrollIntoView({ block: "nearest" }); // it was asked for
});

document.addEventListener("click", (event) => {
  const close = event.target.closest("[data-close-case]");
  if (!close) return;
  event.preventDefault();
  panel().replaceChildren();
  history.replaceState(history.state, "", close.href);
  cases()[under()]?.focus();
});

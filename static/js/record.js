// The drawer over the table, and what a record's page does by keyboard. The URL says which record is open: Back closes
// it, a reload opens it again. The server sets the URL (HX-Push-Url), this file reads it.
const drawer = () => document.getElementById("drawer");
const openId = (href) => new URL(href).searchParams.get("open");
const withoutRecord = (href) => {
  const url = new URL(href);
  url.searchParams.delete("open"); url.searchParams.delete("tab");
  return url.pathname + url.search;
};

let shown = location.href; // what this page shows, while popstate tells only where it goes
let pushed = false; // opened by a click here: Back leads to the list as it was

document.addEventListener("htmx:pushedIntoHistory", () => { pushed = Boolean(openId(location.href)); shown = location.href });
document.addEventListener("htmx:replacedInHistory", () => { shown = location.href });

const rowOf = (id) => document.querySelector(`#records tr[data-id="${CSS.escape(id)}"] a.open`);

const clear = () => {
  const id = drawer().querySelector("[data-record]")?.dataset.record;
  drawer().replaceChildren();
  if (id) rowOf(id)?.focus({ preventScroll: true });
};

const close = () => {
  clear();
  if (pushed) { pushed = false; history.back(); return }
  history.replaceState(history.state, "", withoutRecord(location.href));
  shown = location.href;
};

const show = (id) => {
  const { pathname, searchParams } = new URL(location.href);
  const query = new URLSearchParams();
  for (const name of ["q", "spans", "sort", "tab"]) if (searchParams.get(name)) query.set(name, searchParams.get(name));
  htmx.ajax("GET", `${pathname}${encodeURIComponent(id)}/?${query}`, { source: drawer(), target: drawer() });
};

// Before htmx's own handler, which would fetch the whole list again and lose the place in it.
addEventListener("popstate", (event) => {
  const before = shown;
  shown = location.href;
  if (!drawer() || withoutRecord(before) !== withoutRecord(shown)) return;
  event.stopImmediatePropagation();
  const id = openId(shown);
  pushed = Boolean(id);
  if (id) show(id); else clear();
}, { capture: true });

document.addEventListener("click", (event) => {
  if (!event.target.closest("[data-close-drawer]")) return;
  event.preventDefault();
  close();
});

document.addEventListener("htmx:afterSettle", (event) => {
  if (!drawer() || (event.target.id !== "drawer" && event.target.id !== "results")) return;
  if (event.target.id === "results" && !openId(location.href)) drawer().replaceChildren(); // another list
  const id = drawer().querySelector("[data-record]")?.dataset.record;
  if (event.target.id === "drawer" && !drawer().contains(document.activeElement)) drawer().focus({ preventScroll: true });
  if (id) document.dispatchEvent(new CustomEvent("record-shown", { detail: { id } }));
});

// The waterfall: the span whose values are shown is marked; arrows walk over the lines, open and close them.
document.addEventListener("htmx:afterSwap", (event) => {
  if (event.target.id !== "span") return;
  const line = event.detail.requestConfig.elt.closest(".line");
  for (const other of document.querySelectorAll(".waterfall .line[aria-current]")) other.removeAttribute("aria-current");
  line?.setAttribute("aria-current", "true");
});

document.addEventListener("keydown", (event) => {
  const name = event.target.closest?.(".waterfall .name");
  if (!name || event.ctrlKey || event.metaKey || event.altKey) return;
  const branch = name.closest("li").querySelector(":scope > details");
  if (branch && (event.key === "ArrowRight" || event.key === "ArrowLeft")) branch.open = event.key === "ArrowRight";
  else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    const names = [...name.closest(".waterfall").querySelectorAll(".name")].filter((one) => one.checkVisibility());
    names[names.indexOf(name) + (event.key === "ArrowDown" ? 1 : -1)]?.focus();
  } else return;
  event.preventDefault();
});

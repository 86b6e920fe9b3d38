// The records table by keyboard: j and k move a cursor over the rows, Enter opens, times are said in the reader's zone.
const rows = () => [...document.querySelectorAll("#records tbody tr")];
let at = -1;

const mark = (index) => {
  const all = rows();
  if (!all.length) return;
  at = Math.max(0, Math.min(index, all.length - 1));
  for (const row of all) row.classList.toggle("cursor", row === all[at]);
  all[at].scrollIntoView({ block: "nearest" });
  on = all[at].dataset.id;
  return all[at];
};
// New rows: the cursor stays on its record, where that is still shown.
let on;
const again = () => { at = rows().findIndex((row) => row.dataset.id === on); if (at >= 0) mark(at); };
const place = (index) => mark(index)?.querySelector("a")?.focus({ preventScroll: true });

// The drawer goes through the list by itself; the cursor follows where its row is on this page.
document.addEventListener("record-shown", (event) => {
  const index = rows().findIndex((row) => row.dataset.id === event.detail.id);
  if (index >= 0) mark(index);
});

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest("input:not([type=checkbox]), textarea, select, dialog")) return;
  if (event.key !== "j" && event.key !== "k") return;
  event.preventDefault();
  place(event.key === "j" ? at + 1 : Math.max(at - 1, 0));
});

const today = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false });
const thisYear = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", hour12: false });
const older = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", year: "numeric" });
const whole = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "long" });

const sayTimes = (root) => {
  const now = new Date();
  for (const element of root.querySelectorAll("time[datetime]:not([title])")) {
    const moment = new Date(element.dateTime);
    const near = moment.toDateString() === now.toDateString() ? today : moment.getFullYear() === now.getFullYear() ? thisYear : older;
    element.textContent = near.format(moment);
    element.title = whole.format(moment);
  }
};

document.addEventListener("htmx:afterSettle", (event) => {
  if (event.target.id === "results") again();
  sayTimes(document);
});
sayTimes(document);

// Edit table: columns are moved by buttons, by Alt and an arrow, or dragged; added from what is offered or as a path.
// The list is one stop of the Tab key, arrows go about in it. What is saved is the form's fields, in their order.
const within = (selector) => document.querySelector(`#edit-table ${selector}`);
const items = () => [...document.querySelectorAll("#shown-columns > li")];
const keys = () => items().map((item) => item.dataset.column);
const nameOf = (item) => item.querySelector(".name").textContent;
const say = (words) => { within("#shown-said").textContent = words };

const refresh = () => {
  const shown = keys();
  within("#shown-count").textContent = shown.length;
  for (const button of document.querySelectorAll("#edit-table [data-add]")) button.dataset.taken = shown.includes(button.dataset.add) ? "yes" : "";
  for (const link of document.querySelectorAll("#edit-table a[data-columns]")) {
    link.href = `${link.href.split("?")[0]}?${new URLSearchParams({ columns: shown.join(",") })}`;
  }
  find();
  stops();
};

// One button of the list takes the Tab key: the last one used.
const stops = (chosen) => {
  const buttons = [...document.querySelectorAll("#shown-columns button")];
  const stop = chosen ?? buttons.find((button) => button.tabIndex === 0) ?? buttons[0];
  for (const button of buttons) button.tabIndex = button === stop ? 0 : -1;
};

const move = (item, by) => {
  const all = items(), to = Math.max(0, Math.min(all.indexOf(item) + by, all.length - 1));
  if (all[to] === item) return;
  const focused = item.contains(document.activeElement) ? document.activeElement : null;
  if (by > 0) all[to].after(item); else all[to].before(item);
  focused?.focus(); // a moved element loses it
  item.scrollIntoView({ block: "nearest" });
  refresh();
  say(`${nameOf(item)} is now ${to + 1} of ${all.length}`);
};

const remove = (item) => {
  const beside = item.nextElementSibling ?? item.previousElementSibling;
  const held = item.contains(document.activeElement);
  item.remove();
  refresh();
  say(`${nameOf(item)} is no longer shown`);
  if (held) (beside?.querySelector("[data-remove]") ?? within("#find-column")).focus();
};

const add = (key, label, hint) => {
  if (keys().includes(key)) return;
  const list = within("#shown-columns"), most = Number(list.dataset.most);
  if (keys().length >= most) return say(`A table holds at most ${most} columns`);
  const item = within("#shown-column").content.querySelector("li").cloneNode(true);
  const field = item.querySelector("input");
  item.dataset.column = field.value = key;
  field.disabled = false;
  item.querySelector(".name").textContent = label;
  item.querySelector(".hint").textContent = hint;
  const [up, down, off] = item.querySelectorAll("button");
  up.ariaLabel = `Move ${label} up`; down.ariaLabel = `Move ${label} down`; off.ariaLabel = `Remove ${label}`;
  list.append(item);
  item.scrollIntoView({ block: "nearest" });
  refresh();
  say(`${label} is shown, ${keys().length} of ${keys().length}`);
};

const PATH = /^(inputs|outputs|expected|metadata)\../;
const sought = () => within("#find-column").value.trim();

// Leaves what holds the words; a path that nobody offered can be added as it is written.
const find = () => {
  const words = sought().toLowerCase();
  let exact = false;
  for (const button of document.querySelectorAll("#edit-table [data-add]")) {
    const { add, label, taken } = button.dataset;
    button.parentElement.hidden = Boolean(taken) || !`${add} ${label}`.toLowerCase().includes(words);
    exact ||= add === sought();
  }
  for (const group of document.querySelectorAll("#edit-table [data-group]")) group.hidden = !group.querySelector("li:not([hidden])");
  const path = within("#add-path");
  path.hidden = exact || !PATH.test(sought()) || keys().includes(sought());
  path.querySelector("span").textContent = sought();
};
const offers = () => [...document.querySelectorAll("#edit-table .offers li:not([hidden]) [data-add]")];

const addSought = () => {
  const exact = offers().find((button) => button.dataset.add === sought());
  const choice = exact ?? (within("#add-path").hidden ? offers()[0] : within("#add-path"));
  if (!choice || !sought()) return;
  choice.click();
};

document.addEventListener("click", (event) => {
  const button = event.target.closest("#edit-table button");
  if (!button) return;
  const item = button.closest("#shown-columns > li");
  if (item) stops(button);
  if (item && button.dataset.move) return move(item, Number(button.dataset.move));
  if (item && "remove" in button.dataset) return remove(item);
  const path = button.id === "add-path" && sought();
  if (!path && !("add" in button.dataset)) return;
  const next = offers()[offers().indexOf(button) + 1];
  add(path || button.dataset.add, path ? path.slice(path.indexOf(".") + 1) : button.dataset.label, path || button.dataset.hint);
  if (document.activeElement === button || document.activeElement === document.body) (next ?? within("#find-column")).focus();
  if (document.activeElement === within("#find-column")) { within("#find-column").value = ""; find() }
});

document.addEventListener("input", (event) => { if (event.target.id === "find-column") find() });

document.addEventListener("keydown", (event) => {
  if (!event.target.closest?.("#edit-table")) return;
  const { key } = event, item = event.target.closest("#shown-columns > li");
  const step = { ArrowUp: -1, ArrowDown: 1 }[key];
  if (key === "Enter" && (event.ctrlKey || event.metaKey)) within("form").requestSubmit(within(".primary"));
  else if (key === "Enter" && event.target.id === "find-column") addSought();
  else if (event.ctrlKey || event.metaKey) return;
  else if (item && step && event.altKey) move(item, step);
  else if (event.altKey) return;
  else if (item && step) go(item, event.target, step);
  else if (item && (key === "ArrowLeft" || key === "ArrowRight")) sideways(item, event.target, key === "ArrowLeft" ? -1 : 1);
  else if (item && (key === "Delete" || key === "Backspace")) remove(item);
  else if (step && (event.target.id === "find-column" || "add" in event.target.dataset)) {
    const stopsHere = [within("#find-column"), ...offers()];
    stopsHere[stopsHere.indexOf(event.target) + step]?.focus();
  } else return;
  event.preventDefault();
});

const focus = (button) => { if (button) { stops(button); button.focus() } };
const sideways = (item, button, by) => {
  const buttons = [...item.querySelectorAll("button")];
  focus(buttons[buttons.indexOf(button) + by]);
};
const go = (item, button, by) => {
  const column = [...item.querySelectorAll("button")].indexOf(button), all = items();
  focus(all[all.indexOf(item) + by]?.querySelectorAll("button")[column]);
};

let dragged;
document.addEventListener("dragstart", (event) => {
  dragged = event.target.closest?.("#shown-columns > li");
  if (!dragged) return;
  event.dataTransfer.effectAllowed = "move";
  event.dataTransfer.setData("text/plain", nameOf(dragged)); // Firefox drags nothing without
  dragged.classList.add("dragged");
});
document.addEventListener("dragover", (event) => {
  const over = dragged && event.target.closest?.("#shown-columns > li");
  if (!over) return;
  event.preventDefault();
  if (over === dragged) return;
  const box = over.getBoundingClientRect();
  if (event.clientY < box.top + box.height / 2) over.before(dragged); else over.after(dragged);
});
document.addEventListener("drop", (event) => { if (dragged) event.preventDefault() });
document.addEventListener("dragend", () => {
  if (!dragged) return;
  dragged.classList.remove("dragged");
  refresh();
  say(`${nameOf(dragged)} is now ${items().indexOf(dragged) + 1} of ${items().length}`);
  dragged = undefined;
});

document.addEventListener("htmx:afterSettle", () => { if (within("form")) refresh() });

// Editors of the admin's forms (textarea[data-editor]): line numbers, and a Tab key that indents. Without this script
// they are plain textareas. Esc, then Tab leaves the editor, so that nobody is caught in it.
const INDENT = "    ";

function number(area) {
  const lines = area.previousElementSibling;
  const wanted = area.value.split("\n");
  while (lines.childElementCount > wanted.length) lines.lastElementChild.remove();
  while (lines.childElementCount < wanted.length) lines.append(document.createElement("div"));
  wanted.forEach((text, n) => {
    if (lines.children[n].textContent !== text) lines.children[n].textContent = text;
  });
  scroll(area);
}

function scroll(area) {
  const lines = area.previousElementSibling;
  lines.scrollTop = area.scrollTop;
  // Numbers stay in sight when long lines are scrolled sideways: only the vertical way is followed.
}

// Through the browser's own editing, so that undo knows of it.
function insert(area, text) {
  if (!document.execCommand("insertText", false, text)) {
    area.setRangeText(text, area.selectionStart, area.selectionEnd, "end");
    area.dispatchEvent(new Event("input", { bubbles: true }));
  }
}

function indent(area, back) {
  const { value, selectionStart: start, selectionEnd: end } = area;
  const first = value.lastIndexOf("\n", start - 1) + 1;
  if (!back && !value.slice(start, end).includes("\n")) return insert(area, INDENT);
  const before = value.slice(first, end);
  const after = before.replace(/^.*$/gm, (line) => (back ? line.replace(/^( {1,4}|\t)/, "") : line && INDENT + line));
  if (after === before) return undefined;
  area.setSelectionRange(first, end);
  insert(area, after);
  area.setSelectionRange(start === end ? Math.max(first, end + after.length - before.length) : first, first + after.length);
  return undefined;
}

function newLine(area) {
  const { value, selectionStart: start } = area;
  const line = value.slice(value.lastIndexOf("\n", start - 1) + 1, start);
  const space = line.match(/^[ \t]*/)[0] + (/:\s*$/.test(line) && area.wrap === "off" ? INDENT : "");
  insert(area, `\n${space}`);
}

function enhance(area) {
  const box = document.createElement("div");
  box.className = "editor-box";
  const lines = document.createElement("div");
  lines.className = "editor editor-lines";
  lines.ariaHidden = "true";
  if (area.wrap !== "off") lines.dataset.wraps = "";
  area.before(box);
  box.append(lines, area);
  let leaving = false;
  area.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      leaving = true;
    } else if (event.key === "Tab" && !leaving && !event.ctrlKey && !event.altKey && !event.metaKey) {
      event.preventDefault();
      indent(area, event.shiftKey);
    } else if (event.key === "Enter" && !event.ctrlKey && !event.metaKey && !event.isComposing) {
      event.preventDefault();
      newLine(area);
    } else if (event.key !== "Shift") {
      leaving = false;
    }
  });
  area.addEventListener("blur", () => { leaving = false; });
  area.addEventListener("input", () => number(area));
  area.addEventListener("scroll", () => scroll(area));
  // It is hidden until its type is chosen; a width tells how long lines break.
  new ResizeObserver(() => {
    lines.style.font = getComputedStyle(area).font;
    lines.style.width = `${area.clientWidth + 2}px`;
    lines.style.height = `${area.offsetHeight}px`;
    number(area);
  }).observe(area);
  number(area);
}

document.querySelectorAll("textarea[data-editor]").forEach(enhance);

// Reviewing by keys, beyond data-key: Enter saves wherever it has no meaning of its own, Ctrl+Enter while one writes, and a
// step of a scale goes into its field.
document.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.defaultPrevented || event.isComposing || event.altKey || document.querySelector("dialog:modal")) return;
  const save = document.querySelector("[data-save]");
  const own = event.target.closest("a, button, summary, textarea, select, [contenteditable]");
  const written = event.target.closest("#answer textarea") && (event.ctrlKey || event.metaKey);
  if (!save || save.disabled || (own && !written)) return;
  event.preventDefault();
  save.click();
});

document.addEventListener("click", (event) => {
  const step = event.target.closest("[data-value]");
  if (!step) return;
  const field = step.form.elements.namedItem("value");
  field.value = step.dataset.value;
  for (const other of step.parentElement.children) other.setAttribute("aria-pressed", String(other === step));
});

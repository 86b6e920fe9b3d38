// Ctrl+Enter, or ⌘+Enter, anywhere in the editor runs it.
document.addEventListener("keydown", (event) => {
  const form = event.target.closest("#play form");
  if (!form || event.key !== "Enter" || !(event.ctrlKey || event.metaKey) || event.isComposing) return;
  event.preventDefault();
  form.requestSubmit(form.querySelector("[name=run]"));
});

// Ctrl+Enter, or ⌘+Enter, anywhere in the editor runs it.
document.addEventListener("keydown", (event) => {
  const form = event.target.closest("#play form");
  if (!form || event.key !== "Enter" || !(event.ctrlKey || event.metaKey) || event.isComposing) return;
  event.preventDefault();
  form.querySelector("[name=run]")?.click(); // htmx sends a button's name only where it was clicked
});

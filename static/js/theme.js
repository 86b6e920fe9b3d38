// Light, dark, or as the system says. Loaded in the head and not deferred, so that no page flashes in the wrong colours.
(() => {
  const root = document.documentElement;
  const stored = () => {
    try { return localStorage.getItem("theme") || "" } catch { return "" } // private windows may refuse storage
  };
  const paint = (theme) => {
    if (theme) root.dataset.theme = theme; else delete root.dataset.theme;
    for (const button of document.querySelectorAll("[data-theme-choice]")) {
      button.setAttribute("aria-pressed", String(button.dataset.themeChoice === theme));
    }
  };
  paint(stored());
  document.addEventListener("DOMContentLoaded", () => paint(stored()));
  addEventListener("storage", () => paint(stored())); // another tab chose
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-theme-choice]");
    if (!button) return;
    try { localStorage.setItem("theme", button.dataset.themeChoice) } catch { /* holds for this page only */ }
    paint(button.dataset.themeChoice);
    dispatchEvent(new Event("theme-changed")); // charts are painted anew
  });
})();

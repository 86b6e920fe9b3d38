// <button data-copy="id of an element"> copies that element's text and says so on the button itself. data-copy-from is
// where the whole of it is fetched if the page shows only its beginning.
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const source = document.getElementById(button.dataset.copy);
  const said = button.querySelector("span") ?? button;
  const before = said.textContent;
  try {
    const from = button.dataset.copyFrom;
    const text = from ? await (await fetch(from)).text() : source.textContent.trim();
    await navigator.clipboard.writeText(text);
    said.textContent = "Copied";
  } catch { // no clipboard without https: select it, so that one key press copies it
    getSelection().selectAllChildren(source);
    said.textContent = "Press Ctrl+C";
  }
  setTimeout(() => { said.textContent = before }, 2000);
});

// What comes after the page by itself (chart, count, menus, branches of a trace, an open record): where it fails, its
// place says so and offers to try again. toast.js leaves these to us.
import { isLazy, reason } from "./toast.js";

const fail = (event) => {
  const { target: source, detail } = event;
  if (!isLazy(source)) return;
  const place = detail.target ?? source, said = document.createElement("span"), again = document.createElement("button");
  const inline = place.localName === "span";
  const box = document.createElement(place.matches("ol, ul") ? "li" : inline ? "span" : "p");
  box.className = "not-loaded small";
  box.setAttribute("role", "alert");
  said.textContent = `Not loaded: ${reason(event)}`;
  again.type = "button";
  again.className = "btn small";
  again.textContent = "Try again";
  again.addEventListener("click", () => {
    again.disabled = true;
    htmx.ajax("GET", source.getAttribute("hx-get"), { source, target: place, swap: source.getAttribute("hx-swap") ?? "innerHTML" });
  });
  box.append(said, " ", again);
  place.replaceChildren(box);
};
for (const name of ["responseError", "sendError", "timeout"]) document.addEventListener(`htmx:${name}`, fail);

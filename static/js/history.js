// The history chart, drawn by plotly over the server's own drawing: hover tells a bar's numbers, a click or a dragged
// range narrows the list to its time, by a URL that Back undoes. plotly comes only once there is a chart to draw, and
// after everything else; until then, and without it, the bars are links.
const section = () => document.getElementById("history");
const colour = (element, name) => getComputedStyle(element)[name];
const narrow = matchMedia("(max-width: 43.75rem)"), dark = matchMedia("(prefers-color-scheme: dark)");
let drawn; // the element that holds plotly's drawing

let loading;
const plotly = (src) => loading ??= new Promise((resolve, reject) => {
  const failed = (event) => { loading = undefined; reject(event) }; // the next chart asks again
  document.head.append(Object.assign(document.createElement("script"), { src, onload: () => resolve(window.Plotly), onerror: failed }));
});

// The figure in the colours of the page: light or dark, as the legend and the server's drawing have them.
const painted = (chart) => {
  const { data, layout } = JSON.parse(chart.querySelector("template").content.textContent);
  const text = colour(chart, "color"), line = colour(chart.querySelector(".axis"), "stroke");
  for (const trace of data) if (trace.meta) trace.marker = { color: colour(section().querySelector(`.swatch.${trace.meta}`), "backgroundColor") };
  const { xaxis, yaxis } = layout;
  if (narrow.matches) for (const name of ["tickvals", "ticktext"]) xaxis[name] = xaxis[name].filter((_, n) => n % 2 === 0);
  const tip = section().querySelector(".tip");
  return { data, layout: {
    ...layout, paper_bgcolor: "transparent", plot_bgcolor: "transparent",
    font: { family: colour(chart, "fontFamily"), size: 11, color: text },
    xaxis: { ...xaxis, linecolor: line }, yaxis,
    hoverlabel: { bgcolor: colour(tip, "backgroundColor"), bordercolor: colour(tip, "backgroundColor"), font: { color: colour(tip, "color"), size: 12 } },
    newselection: { line: { color: colour(tip, "outlineColor"), width: 1, dash: "solid" } },
  } };
};

// To the bars whose middle lies between two places on the axis, or to the one that both are in.
const go = (chart, low, high) => {
  const { starts, seconds } = drawn.layout.meta, clamp = (n) => Math.max(0, Math.min(starts.length - 1, n));
  let first = Math.ceil(low), last = Math.floor(high);
  if (first > last) first = last = Math.round((low + high) / 2);
  const query = new URLSearchParams({ start: starts[clamp(first)], end: starts[clamp(last)] + seconds });
  const url = chart.dataset.within;
  htmx.ajax("GET", `${url}${url.includes("?") ? "&" : "?"}${query}`, { source: chart, target: "#results" });
};

const draw = async () => {
  const chart = section()?.querySelector(".chart");
  if (drawn && !drawn.isConnected) { window.Plotly.purge(drawn); drawn = undefined }
  if (!chart) return;
  const Plotly = await plotly(section().dataset.plotly);
  if (!chart.isConnected) return; // another list by now
  const { data, layout } = painted(chart), place = chart.querySelector(".drawn"), again = place === drawn;
  await Plotly.react(place, data, layout, { displayModeBar: false, responsive: true, doubleClick: false });
  drawn = place;
  if (again) return;
  place.on("plotly_click", ({ points }) => go(chart, points[0].x, points[0].x));
  place.on("plotly_selected", (event) => { if (event?.range?.x) go(chart, ...event.range.x.toSorted((a, b) => a - b)) });
};

document.addEventListener("htmx:afterSettle", (event) => { if (event.target.id === "history") draw() });
addEventListener("theme-changed", () => draw());
addEventListener("storage", () => draw());
for (const query of [narrow, dark]) query.addEventListener("change", () => draw());

// Charts drawn by plotly: each .charted holds a figure in a template element, and a table beside it says the same in words.
// plotly comes only once there is a chart to draw. Colours are those of the page, light or dark.
const colour = (element, name) => getComputedStyle(element)[name];
const drawn = new Set();

let loading;
const plotly = (src) => loading ??= new Promise((resolve, reject) => {
  const failed = (event) => { loading = undefined; reject(event) }; // the next chart asks again
  document.head.append(Object.assign(document.createElement("script"), { src, onload: () => resolve(window.Plotly), onerror: failed }));
});

const painted = (plot) => {
  const { data, layout } = JSON.parse(plot.querySelector("template").content.textContent);
  const text = colour(plot, "color"), line = colour(plot.querySelector(".rule"), "backgroundColor");
  const tip = plot.querySelector(".tip"), ink = colour(tip, "backgroundColor");
  for (const trace of data) {
    const own = colour(plot.querySelector(`.swatch.${trace.meta}`), "backgroundColor");
    trace.marker = { ...trace.marker, color: own }; trace.line = { width: 2, ...trace.line, color: own };
    for (const bars of [trace.error_x, trace.error_y]) if (bars) bars.color = own;
  }
  const { xaxis, yaxis } = layout;
  return { data, layout: {
    ...layout, paper_bgcolor: "transparent", plot_bgcolor: "transparent",
    font: { family: colour(plot, "fontFamily"), size: 11, color: text },
    xaxis: { ...xaxis, linecolor: line, gridcolor: line, zerolinecolor: text }, yaxis: { ...yaxis, gridcolor: line },
    hoverlabel: { bgcolor: ink, bordercolor: ink, font: { color: colour(tip, "color"), size: 12 } },
  } };
};

// A click on a point leads where its trace's customdata says, in figures that have links there.
const follow = ({ points }) => { if (points[0]?.customdata) location.href = points[0].customdata };

const draw = async (wanted = ".charted") => {
  for (const place of drawn) if (!place.isConnected) { window.Plotly.purge(place); drawn.delete(place) }
  for (const plot of document.querySelectorAll(wanted)) {
    const Plotly = await plotly(plot.dataset.plotly), place = plot.querySelector(".drawn");
    if (!plot.isConnected) continue;
    const { data, layout } = painted(plot);
    await Plotly.react(place, data, layout, { displayModeBar: false, responsive: true, doubleClick: false });
    if (!drawn.has(place) && layout.meta?.links) place.on("plotly_click", follow);
    drawn.add(place);
  }
};
const again = () => draw();

document.addEventListener("htmx:afterSettle", () => draw(".charted:has(.drawn:empty)")); // the others stand
addEventListener("theme-changed", again);
addEventListener("storage", again);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", again);
draw();

"use strict";
const data = JSON.parse(document.getElementById("data").textContent);
const SVG = "http://www.w3.org/2000/svg";

function element(name, attributes, text) {
  const made = document.createElementNS(SVG, name);
  for (const [key, its] of Object.entries(attributes)) made.setAttribute(key, its);
  if (text !== undefined) made.textContent = text;
  return made;
}

function fill(select, options, chosen, label = (option) => option) {
  for (const option of options) select.append(new Option(label(option), option, false, option === chosen));
}

function short(number) {
  return Number(number.toPrecision(3)).toString();
}

// Round numbers from low to high, at most six.
function ticks(low, high) {
  if (!(high > low)) return [low];
  const base = 10 ** Math.floor(Math.log10((high - low) / 6));
  const step = base * [1, 2, 5, 10, 20].find((factor) => (high - low) / (factor * base) <= 5);
  const found = [];
  for (let i = Math.ceil(low / step - 1e-9); i <= Math.floor(high / step + 1e-9); i += 1) found.push(i * step);
  return found;
}

// The range of values but for what lies more than three interquartile ranges beyond the quartiles.
function axisRange(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const quartile = (share) => sorted[Math.round(share * (sorted.length - 1))];
  const reach = 3 * (quartile(0.75) - quartile(0.25));
  if (!reach) return [sorted[0], sorted.at(-1)];
  return [Math.max(sorted[0], quartile(0.25) - reach), Math.min(sorted.at(-1), quartile(0.75) + reach)];
}

// One loss against another, image by image.
const [metric, across, up] = ["scatter-metric", "scatter-x", "scatter-y"].map((id) => document.getElementById(id));
const other = data.losses.find((loss) => loss !== data.reference && loss === data.best)
  || data.losses.find((loss) => loss !== data.reference) || data.reference;
fill(metric, Object.keys(data.metrics), "cc", (key) => data.metrics[key]);
fill(across, data.losses, data.reference);
fill(up, data.losses, other);

function show(index, point) {
  document.querySelectorAll(".point.chosen").forEach((its) => its.classList.remove("chosen"));
  point.classList.add("chosen");
  const box = document.getElementById("hover");
  box.replaceChildren();
  if (data.thumbnails.length) {
    const image = new Image();
    image.src = data.thumbnails[index];
    image.alt = `stimulus ${data.names[index]}`;
    box.append(image);
  }
  for (const line of [data.names[index], ...[across, up].map((its) =>
    `${its.value}: ${data.scores[its.value][metric.value][index]}`)]) {
    const paragraph = document.createElement("div");
    paragraph.textContent = line;
    box.append(paragraph);
  }
}

function scatter() {
  const svg = document.getElementById("scatter");
  svg.replaceChildren();
  document.getElementById("hover").replaceChildren();
  const xs = data.scores[across.value][metric.value];
  const ys = data.scores[up.value][metric.value];
  const known = [...xs.keys()].filter((i) => xs[i] !== null && ys[i] !== null);
  if (!known.length) {
    svg.append(element("text", {x: 60, y: 60}, "no values"));
    return;
  }
  const all = known.flatMap((i) => [xs[i], ys[i]]);
  const [low, high] = axisRange(all);
  const span = (high - low) || 1;
  const [left, size] = [50, 380];
  const share = (v) => (Math.min(Math.max(v, low), low + span) - low) / span;
  const x = (v) => left + size * share(v);
  const y = (v) => 20 + size - size * share(v);
  svg.append(element("rect", {x: left, y: 20, width: size, height: size, class: "axis"}));
  svg.append(element("line", {x1: left, y1: 20 + size, x2: left + size, y2: 20, class: "axis"}));
  for (const tick of ticks(low, low + span)) {
    svg.append(element("path", {d: `M${x(tick)} ${20 + size}v5M${left} ${y(tick)}h-5`, class: "axis"}));
    svg.append(element("text", {x: x(tick), y: size + 38, "text-anchor": "middle"}, short(tick)));
    svg.append(element("text", {x: left - 8, y: y(tick) + 4, "text-anchor": "end"}, short(tick)));
  }
  svg.append(element("text", {x: left + size / 2, y: size + 60, "text-anchor": "middle"}, across.value));
  svg.append(element("text", {x: 0, y: 0, "text-anchor": "middle", transform: `translate(12 ${20 + size / 4}) rotate(-90)`},
    up.value));
  for (const i of known) {
    const inside = [xs[i], ys[i]].every((v) => v >= low && v <= low + span);
    const point = element("circle", {cx: x(xs[i]), cy: y(ys[i]), r: 4.5, class: inside ? "point" : "point beyond"});
    for (const event of ["mouseenter", "click"]) point.addEventListener(event, () => show(i, point));
    svg.append(point);
  }
  const above = known.filter((i) => ys[i] > xs[i]).length;
  svg.append(element("text", {x: left + 8, y: 36}, `above the line: ${above} of ${known.length}`));
}
for (const select of [metric, across, up]) select.addEventListener("change", scatter);
scatter();

// Learning curves: one small plot for each value, training and validation over the epochs.
const curveLoss = document.getElementById("curve-loss");
fill(curveLoss, data.losses, data.best || data.losses[0]);

function curve(name, history) {
  const series = ["train", "validation"].map((split) => history.map((epoch) => epoch[split][name] ?? null));
  const all = series.flat().filter((v) => v !== null);
  const svg = element("svg", {viewBox: "0 0 240 150", role: "img", "aria-label": `${name} over the epochs`});
  svg.append(element("text", {x: 46, y: 14, "font-weight": 600}, name.replace(/_loss$/, " (term)")));
  if (!all.length) return svg;
  const low = Math.min(...all);
  const span = (Math.max(...all) - low) || 1;
  const x = (epoch) => 46 + 184 * (history.length > 1 ? epoch / (history.length - 1) : 0.5);
  const y = (v) => 124 - 100 * (v - low) / span;
  svg.append(element("rect", {x: 46, y: 22, width: 184, height: 104, class: "axis"}));
  for (const v of ticks(low, low + span)) {
    svg.append(element("line", {x1: 42, x2: 46, y1: y(v), y2: y(v), class: "axis"}));
    svg.append(element("text", {x: 39, y: y(v) + 4, "text-anchor": "end"}, short(v)));
  }
  svg.append(element("text", {x: 46, y: 142, "text-anchor": "middle"}, "1"));
  svg.append(element("text", {x: 230, y: 142, "text-anchor": "middle"}, String(history.length)));
  series.forEach((values, index) => {
    const kind = index ? "validation" : "train";
    const points = values.map((v, epoch) => [epoch, v]).filter(([, v]) => v !== null);
    svg.append(element("polyline", {class: kind, points: points.map(([e, v]) => `${x(e)},${y(v)}`).join(" ")}));
    for (const [e, v] of points) svg.append(element("circle", {class: kind, cx: x(e), cy: y(v), r: 2.5}));
  });
  return svg;
}

function curves() {
  const history = data.curves[curveLoss.value];
  const names = [...new Set(history.flatMap((epoch) => [...Object.keys(epoch.train), ...Object.keys(epoch.validation)]))];
  document.getElementById("curves").replaceChildren(...names.map((name) => curve(name, history)));
}
curveLoss.addEventListener("change", curves);
curves();

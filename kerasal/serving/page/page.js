// The page: an image goes to the server once for each model, the map comes back, and everything else (opacity,
// colours) is painted here.
"use strict";

const SHOWN = 1600; // pixels of the longer side on the page; the downloaded map has the image's own size
const find = (id) => document.getElementById(id);
// `shown` and `asked`: { file, image } of the picture on the page, and of the one that is being predicted, else that.
const state = { shown: {}, asked: {}, colors: {}, panels: [], request: null };

async function start() {
  const answer = await (await fetch("/models")).json();
  state.colors = answer.colors;
  state.limits = answer.limits;
  for (const name of answer.models) {
    find("model-a").add(new Option(name, name));
    find("model-b").add(new Option(name, name));
  }
  find("model-b").add(new Option("nothing", ""), 0);
  find("model-b").value = "";
  find("model-b").parentElement.hidden = answer.models.length < 2;
  for (const name of Object.keys(answer.colors)) find("colors").add(new Option(name, name));
  const megabytes = Math.round(answer.limits.bytes / 1e6), megapixels = Math.round(answer.limits.pixels / 1e6);
  find("limits").textContent = `Up to ${megabytes} MB and ${megapixels} megapixels.`;
}

function say(text, bad = false) {
  find("message").textContent = text;
  find("message").classList.toggle("bad", bad);
}

async function take(file) {
  if (!file) return;
  let image = null;
  try {
    image = shrink(await createImageBitmap(file)); // turned upright by its EXIF tag, as the server does
  } catch {
    // such as TIFF: the server may still read it
  }
  await predict(file, image);
}

// The image as shades of grey, no larger than it is shown.
function shrink(bitmap) {
  const scale = Math.min(1, SHOWN / Math.max(bitmap.width, bitmap.height));
  const columns = Math.max(1, Math.round(bitmap.width * scale)), rows = Math.max(1, Math.round(bitmap.height * scale));
  const context = new OffscreenCanvas(columns, rows).getContext("2d");
  context.fillStyle = "white"; // beneath what is transparent
  context.fillRect(0, 0, columns, rows);
  context.drawImage(bitmap, 0, 0, columns, rows);
  return context.getImageData(0, 0, columns, rows);
}

// A model that is chosen meanwhile is asked for the same file. One that gives no map leaves the picture before on the
// page, and the models ask for that one again.
async function predict(file = state.asked.file, image = state.asked.image) {
  if (!file) return;
  state.request?.abort();
  const request = (state.request = new AbortController());
  const names = [find("model-a").value, find("model-b").value].filter(Boolean);
  const called = file.name || "image";
  const fail = (why) => {
    state.asked = state.shown;
    say(`${called}: ${why}`, true);
  };
  if (file.size > state.limits.bytes) return fail("this file is too large.");
  const asked = (state.asked = { file, image });
  say("Predicting …");
  const began = performance.now();
  let panels;
  try {
    panels = await Promise.all(names.map((name) => ask(name, file, image, request.signal)));
  } catch (error) {
    if (!request.signal.aborted) fail(error.message);
    return;
  }
  if (request.signal.aborted) return; // by a later one, while the maps were unpacked
  state.shown = asked;
  show(panels);
  say(`${called}: ${((performance.now() - began) / 1000).toFixed(1)} s`);
}

async function ask(name, file, pixels, signal) {
  let answer;
  try {
    answer = await fetch(`/predict?model=${encodeURIComponent(name)}`, {
      method: "POST", body: file, signal, headers: { "Content-Type": "application/octet-stream" },
    });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Error("The server does not answer, or refused the file.");
  }
  if (!answer.ok) throw new Error((await answer.json()).error);
  const blob = await answer.blob();
  const map = await createImageBitmap(blob);
  const image = pixels ?? shrink(map);
  const context = new OffscreenCanvas(image.width, image.height).getContext("2d");
  context.drawImage(map, 0, 0, image.width, image.height);
  return { name, blob, levels: context.getImageData(0, 0, image.width, image.height).data, image };
}

function show(panels) {
  for (const panel of state.panels) URL.revokeObjectURL(panel.url);
  state.panels = panels;
  find("panels").replaceChildren();
  for (const panel of panels) {
    const figure = find("panel").content.cloneNode(true).firstElementChild;
    const stem = (state.shown.file.name || "image").replace(/\.[^.]*$/, "");
    panel.canvas = figure.querySelector("canvas");
    panel.canvas.width = panel.image.width;
    panel.canvas.height = panel.image.height;
    panel.canvas.setAttribute("aria-label", `Heat map of ${panel.name} over the image`);
    figure.querySelector(".name").textContent = panel.name;
    panel.url = URL.createObjectURL(panel.blob);
    const map = figure.querySelector("a.map"), overlay = figure.querySelector("a.overlay");
    Object.assign(map, { href: panel.url, download: `${stem}_${panel.name}.png`, hidden: false });
    overlay.hidden = false;
    overlay.addEventListener("click", (event) => {
      event.preventDefault();
      panel.canvas.toBlob((blob) => save(blob, `${stem}_${panel.name}_overlay.png`));
    });
    find("panels").append(figure);
  }
  paint();
}

function save(blob, name) {
  const link = Object.assign(document.createElement("a"), { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

// As kerasal.visualize.overlay: cold parts let the greyed image through.
function paint() {
  const opacity = find("opacity").value / 100, colors = state.colors[find("colors").value];
  find("opacity-value").textContent = `${find("opacity").value} %`;
  const alpha = Float32Array.from({ length: 256 }, (_, i) => opacity * Math.min(1, 1.5 * (i / 255) ** 0.7));
  for (const { canvas, image, levels } of state.panels) {
    const picture = new ImageData(image.width, image.height), from = image.data, to = picture.data;
    for (let i = 0; i < to.length; i += 4) {
      const level = levels[i], a = alpha[level], heat = colors[level];
      const shade = (1 - a) * (0.299 * from[i] + 0.587 * from[i + 1] + 0.114 * from[i + 2]);
      to[i] = shade + a * heat[0];
      to[i + 1] = shade + a * heat[1];
      to[i + 2] = shade + a * heat[2];
      to[i + 3] = 255;
    }
    canvas.getContext("2d").putImageData(picture, 0, 0);
  }
}

find("file").addEventListener("change", (event) => take(event.target.files[0]));
find("controls").addEventListener("submit", (event) => event.preventDefault());
for (const id of ["model-a", "model-b"]) find(id).addEventListener("change", () => predict());
for (const id of ["opacity", "colors"]) find(id).addEventListener("input", paint);
document.addEventListener("paste", (event) => take(event.clipboardData.files[0]));
for (const kind of ["dragover", "dragleave", "drop"]) {
  document.addEventListener(kind, (event) => {
    event.preventDefault(); // an image dropped beside the field does not replace the page
    find("drop").classList.toggle("over", kind === "dragover");
    if (kind === "drop") take(event.dataTransfer.files[0]);
  });
}
start().catch(() => say("The server does not answer.", true));

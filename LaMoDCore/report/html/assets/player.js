"use strict";
// Playback, long-axis views, theme and paper: what the page of short-axis slices and that of long-axis views share.

const byId = (id) => document.getElementById(id);
/** The part of a landscape A4 sheet that is printed on, in CSS pixels. */
const PAPER = { width: 1060, height: 725 };

class Player {
  /**
   * @param {object} page its data: frames, ed, es, times_ms, rr_ms, unit_mm and long_axis.
   * @param {object} state further choices of the page.
   */
  constructor(page, state = {}) {
    this.page = page;
    this.state = { frame: page.es, speed: 1, isPlaying: false, ...state };
    this.colourTables = {};
    this.longAxisViews = [];
    this.charts = {};
    this.builds = 0;
  }

  async start() {
    await this.load();
    this.connect();
    this.showQuantity();
    await this.buildCharts();
    this.draw();
    const isStill = matchMedia("(prefers-reduced-motion: reduce)").matches;
    if (!isStill) this.play();
    document.documentElement.dataset.ready = "true";
  }

  async load() {
    const places = [...document.querySelectorAll("canvas[data-view]")];
    this.longAxisViews = await Promise.all(
      (this.page.long_axis?.views ?? []).map(async (each, place) => {
        const view = new LongAxisView(places[place], each, await unpackedView(each, this.page.unit_mm));
        await view.load();
        return view;
      }),
    );
  }

  // ---- of each page

  /** Show the names, unit and range of the quantity. */
  showQuantity() {}

  /** Keys of what is emphasised, or null. */
  active() {
    return null;
  }

  /** End an emphasis. */
  release() {}

  pictures() {
    return this.longAxisViews;
  }

  addPictures() {
    for (const view of this.longAxisViews) view.addPicture(this.shownLongAxis());
  }

  // ---- controls

  connect() {
    const { state } = this;
    byId("play").addEventListener("click", () => (state.isPlaying ? this.pause() : this.play()));
    byId("previous").addEventListener("click", () => this.step(-1));
    byId("next").addEventListener("click", () => this.step(1));
    byId("to-ed").addEventListener("click", () => this.goTo(this.page.ed));
    byId("to-es").addEventListener("click", () => this.goTo(this.page.es));
    byId("frame").addEventListener("input", (event) => this.goTo(Number(event.target.value) - 1));
    byId("speed").addEventListener("change", (event) => (state.speed = Number(event.target.value)));
    for (const id of ["show-arrows", "show-drawn", "show-predicted", "show-labels"]) {
      byId(id)?.addEventListener("change", () => this.draw());
    }
    byId("save-table").addEventListener("click", () => save(...this.tableFile()));
    byId("theme").addEventListener("click", () => this.switchTheme());
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.showTheme());
    byId("theme").textContent = isDark() ? "Light" : "Dark";
    document.addEventListener("keydown", (event) => this.onKey(event));
    const resized = new ResizeObserver(() => requestAnimationFrame(() => this.draw()));
    for (const place of document.querySelectorAll("canvas[data-slice], canvas[data-view], .chart")) resized.observe(place);
    const pictures = this.pictures();
    const seen = new IntersectionObserver((entries) => {
      for (const { target, isIntersecting } of entries) pictures.find((each) => each.canvas === target).isVisible = isIntersecting;
      this.draw();
    });
    for (const view of pictures) seen.observe(view.canvas);
    addEventListener("beforeprint", () => this.prepareForPrint());
    addEventListener("afterprint", () => this.restoreScreen());
  }

  onKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || scrollsSideways(event)) return;
    const kind = event.target.tagName;
    const isControl = ["SELECT", "INPUT", "TEXTAREA"].includes(kind) && event.target.type !== "checkbox";
    const actions = {
      " ": () => (this.state.isPlaying ? this.pause() : this.play()),
      ArrowLeft: () => this.step(-1),
      ArrowRight: () => this.step(1),
      Home: () => this.goTo(this.page.ed),
      End: () => this.goTo(this.page.es),
      Escape: () => this.release(),
    };
    const action = actions[event.key];
    const isButton = ["BUTTON", "SUMMARY", "A"].includes(kind) || event.target.type === "checkbox";
    if (!action || (isControl && event.key !== "Escape") || (isButton && event.key === " ")) return;
    event.preventDefault();
    action();
  }

  // ---- time

  play() {
    const { state, page } = this;
    if (page.frames < 2 || state.isPlaying) return;
    state.isPlaying = true;
    this.showPlaying();
    const start = page.times_ms[0];
    let clock = page.times_ms[state.frame] - start;
    let last = null;
    const tick = (now) => {
      if (!state.isPlaying) return;
      if (last !== null) clock = (clock + (now - last) * state.speed) % page.rr_ms;
      last = now;
      let frame = page.frames - 1;
      while (frame > 0 && page.times_ms[frame] - start > clock) frame -= 1;
      if (frame !== state.frame) {
        state.frame = frame;
        this.draw();
      }
      requestAnimationFrame(tick);
    };
    requestAnimationFrame(tick);
  }

  pause() {
    this.state.isPlaying = false;
    this.showPlaying();
    this.draw();
  }

  showPlaying() {
    const button = byId("play");
    button.setAttribute("aria-label", this.state.isPlaying ? "Pause" : "Play");
    button.firstElementChild.textContent = this.state.isPlaying ? "❚❚" : "▶";
    byId("readout").ariaLive = this.state.isPlaying ? "off" : "polite"; // a screen reader would read every frame
  }

  goTo(frame) {
    this.state.isPlaying = false;
    this.state.frame = frame;
    this.showPlaying();
    this.draw();
  }

  step(by) {
    const { frames } = this.page;
    this.goTo((this.state.frame + by + frames) % frames);
  }

  // ---- theme

  switchTheme() {
    document.documentElement.dataset.theme = isDark() ? "light" : "dark";
    this.showTheme();
  }

  showTheme() {
    byId("theme").textContent = isDark() ? "Light" : "Dark";
    this.buildCharts();
  }

  // ---- drawing

  /** What a long-axis view shows, see `LongAxisView.draw`. */
  shownLongAxis() {
    const { ed, times_ms: times, rr_ms: rr } = this.page;
    const { limit } = this.page.long_axis;
    const table = this.colourTables.ecc;
    return {
      phase: ((((times[this.state.frame] - times[ed]) / rr) % 1) + 1) % 1,
      drawn: byId("show-drawn")?.checked ?? true,
      labels: byId("show-labels").checked,
      colourOf: (percent) => (percent === null ? "#8a929b" : `rgb(${tableColour(table, percent, -limit, 255 / (2 * limit))})`),
    };
  }

  /** Draw a colour table on the page's colour scale, if it has one. */
  drawScale(table) {
    const context = byId("scale")?.getContext("2d");
    if (!context) return;
    const image = context.createImageData(256, 1);
    for (let index = 0; index < 256; index += 1) {
      image.data.set([...table.subarray(3 * index, 3 * index + 3), 255], 4 * index);
    }
    context.putImageData(image, 0, 0);
  }

  draw() {
    const { state } = this;
    for (const view of this.longAxisViews) {
      if (!view.isVisible) continue;
      view.fit();
      view.draw(this.shownLongAxis());
    }
    for (const chart of Object.values(this.charts)) chart.moveTo(state.frame);
    const { frames, times_ms: times } = this.page;
    const slider = byId("frame");
    slider.value = state.frame + 1;
    byId("time").textContent = `frame ${state.frame + 1} of ${frames}, ${times[state.frame].toFixed(0)} ms`;
    if (!state.isPlaying) slider.setAttribute("aria-valuetext", byId("time").textContent);
  }

  // ---- charts

  /** Replace a chart once the new one is complete; a later call for the same chart wins. */
  async replaceChart(name, place, create) {
    const build = (this.builds += 1);
    place.dataset.build = build;
    const holder = document.createElement("div");
    holder.className = "holder";
    const chart = create(holder);
    const before = this.charts[name];
    place.append(holder);
    await chart.show();
    if (place.dataset.build !== String(build)) {
      holder.remove();
      return;
    }
    before?.place.remove();
    before?.view?.remove?.();
    this.charts[name] = chart;
    chart.highlight?.(this.active());
    chart.moveTo(this.state.frame);
  }

  chartSettings(times, height) {
    const isFromRWave = this.page.ed === 0;
    return { height, times, label: isFromRWave ? "time after the R wave (ms)" : "time in the cine (ms)" };
  }

  async buildCharts() {
    await this.buildLongAxis();
  }

  /** The curves of the long-axis views, which do not change. */
  async buildLongAxis() {
    const { long_axis: longAxis } = this.page;
    if (!longAxis) return;
    const { mean } = longAxis;
    const own = longAxis.curves.map((curve, place) => ({
      key: `view ${place}`, label: curve.label, colour: curve.colour, times: curve.times_ms, mean: curve.percent.map(orNaN),
    }));
    const ofAll = { key: "gls", label: "mean of the views", colour: null, mean: mean.percent.map(orNaN), isBold: true };
    const curves = own.length > 1 ? [...own, ofAll] : own;
    fillLegend(byId("long-axis-legend"), curves);
    const phaseOf = () => this.shownLongAxis().phase;
    const times = [...mean.times_ms, longAxis.rr_ms];
    const settings = { ...this.chartSettings(times, 200), label: "time after end-diastole (ms)", phaseOf, rr: longAxis.rr_ms };
    ofAll.times = mean.times_ms;
    await this.replaceChart("long-axis", byId("long-axis"), (place) => new PhaseChart(place, settings, curves));
  }

  // ---- paper

  /** Show end-systole on white paper, with pictures of the charts, since they cannot be fitted to the paper. */
  prepareForPrint() {
    this.themeOnScreen = document.documentElement.dataset.theme;
    document.documentElement.dataset.theme = "light";
    this.goTo(this.page.es);
    this.addPictures();
    for (const chart of Object.values(this.charts)) chart.addPicture();
    fitToPaper();
  }

  restoreScreen() {
    for (const picture of document.querySelectorAll(".print-only")) picture.remove();
    document.body.style.zoom = "";
    if (this.themeOnScreen) document.documentElement.dataset.theme = this.themeOnScreen;
    else delete document.documentElement.dataset.theme;
    this.buildCharts();
  }
}

/** A chart whose times count from end-diastole, on a clock of its own. */
class PhaseChart extends CurveChart {
  constructor(place, { phaseOf, rr, ...settings }, curves) {
    super(place, settings, curves);
    this.phaseOf = phaseOf;
    this.rr = rr;
  }

  moveTo() {
    this.moveToTime(this.phaseOf() * this.rr);
  }
}

/** Whether a key scrolls the focused table, which is wider than its place. */
function scrollsSideways({ target, key }) {
  const region = target.closest(".scroll");
  return Boolean(region && region.scrollWidth > region.clientWidth && ["ArrowLeft", "ArrowRight", "Home", "End"].includes(key));
}

function isDark() {
  const chosen = document.documentElement.dataset.theme;
  return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
}

/** Make the page as small as needed to fit on one sheet. */
function fitToPaper() {
  const { body } = document;
  const style = byId("print-style");
  style.media = "all";
  let zoom = 1;
  for (; zoom > 0.4; zoom -= 0.04) {
    body.style.width = `${PAPER.width / zoom}px`;
    if (body.getBoundingClientRect().height <= PAPER.height / zoom) break;
  }
  body.style.width = "";
  style.media = "print";
  body.style.zoom = zoom;
}

function tableColour(table, value, first, perUnit) {
  const index = 3 * Math.min(255, Math.max(0, Math.round((value - first) * perUnit)));
  return [table[index], table[index + 1], table[index + 2]];
}

/** Names of curves that cannot be chosen. */
function fillLegend(legend, curves) {
  legend.replaceChildren(
    ...curves.map(({ label, colour, isBold }) => {
      const entry = document.createElement("span");
      const line = document.createElement("i");
      if (colour) line.style.background = colour;
      entry.append(line, label);
      entry.className = isBold ? "entry is-bold" : "entry";
      return entry;
    }),
  );
}

function save(name, text) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
  link.download = name;
  link.click();
  URL.revokeObjectURL(link.href);
}

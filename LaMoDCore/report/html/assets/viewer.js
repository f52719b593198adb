"use strict";
// State of the page and its controls.

const byId = (id) => document.getElementById(id);
const NARROW = 700;
/** The part of a landscape A4 sheet that is printed on, in CSS pixels. */
const PAPER = { width: 1060, height: 725 };

class Viewer {
  constructor(page) {
    this.page = page;
    this.table = new SegmentTable(page.segments_csv, page.slices);
    this.state = {
      frame: page.es,
      quantity: "ecc",
      limits: Object.fromEntries(Object.entries(page.quantities).map(([name, each]) => [name, each.limit])),
      opacity: 0.8,
      speed: 1,
      isPlaying: false,
      bullseye: "frame",
      curvesOf: 0,
      selected: null,
      hovered: null,
    };
    this.colourTables = {};
    this.views = [];
    this.longAxisViews = [];
    this.charts = {};
    this.builds = 0;
  }

  async start() {
    for (const [name, quantity] of Object.entries(this.page.quantities)) {
      this.colourTables[name] = await unpacked(quantity.colours, Uint8Array);
    }
    const canvases = [...document.querySelectorAll("canvas[data-slice]")];
    this.views = await Promise.all(
      this.page.slices.map(async (slice, z) => {
        const view = new SliceView(canvases[z], slice, await unpackedSlice(slice, this.page.frames, this.page.unit_mm));
        await view.load();
        return view;
      }),
    );
    const places = [...document.querySelectorAll("canvas[data-view]")];
    this.longAxisViews = await Promise.all(
      (this.page.long_axis?.views ?? []).map(async (each, place) => {
        const view = new LongAxisView(places[place], each, await unpackedView(each, this.page.unit_mm));
        await view.load();
        return view;
      }),
    );
    this.connect();
    this.showQuantity();
    await this.buildCharts();
    this.draw();
    const isStill = matchMedia("(prefers-reduced-motion: reduce)").matches;
    if (!isStill) this.play();
    document.documentElement.dataset.ready = "true";
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
    for (const input of document.querySelectorAll("input[name=quantity]")) {
      input.addEventListener("change", () => this.chooseQuantity(input.value));
    }
    for (const input of document.querySelectorAll("input[name=bullseye]")) {
      input.addEventListener("change", () => {
        state.bullseye = input.value;
        this.draw();
      });
    }
    byId("opacity").addEventListener("input", (event) => {
      state.opacity = Number(event.target.value) / 100;
      this.draw();
    });
    const field = byId("limit");
    const [least, most] = [Number(field.min), Number(field.max)];
    field.addEventListener("input", () => {
      if (field.valueAsNumber >= least && field.valueAsNumber <= most) this.chooseLimit(field.valueAsNumber);
    });
    field.addEventListener("change", () => {
      const wanted = Math.round(10 * field.valueAsNumber) / 10;
      const limit = Number.isFinite(wanted) ? wanted : state.limits[state.quantity];
      this.chooseLimit(Math.min(Math.max(limit, least), most));
      field.value = state.limits[state.quantity];
    });
    for (const id of ["show-arrows", "show-drawn", "show-predicted", "show-labels"]) {
      byId(id)?.addEventListener("change", () => this.draw());
    }
    byId("curves-of")?.addEventListener("change", (event) => this.showCurvesOf(event.target.value));
    byId("save-table").addEventListener("click", () => save("segments.csv", this.page.segments_csv));
    byId("theme").addEventListener("click", () => this.switchTheme());
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.showTheme());
    byId("theme").textContent = isDark() ? "Light" : "Dark";
    this.connectPictures();
    this.connectBullseye();
    document.addEventListener("keydown", (event) => this.onKey(event));
    const resized = new ResizeObserver(() => requestAnimationFrame(() => this.draw()));
    for (const place of document.querySelectorAll("canvas[data-slice], canvas[data-view], .chart")) resized.observe(place);
    const pictures = [...this.views, ...this.longAxisViews];
    const seen = new IntersectionObserver((entries) => {
      for (const { target, isIntersecting } of entries) pictures.find((each) => each.canvas === target).isVisible = isIntersecting;
      this.draw();
    });
    for (const view of pictures) seen.observe(view.canvas);
    addEventListener("beforeprint", () => this.prepareForPrint());
    addEventListener("afterprint", () => this.restoreScreen());
  }

  connectPictures() {
    this.views.forEach((view, z) => {
      const keysAt = (event) => {
        const s = view.segmentAt(event.offsetX, event.offsetY, this.state.frame);
        return s === null ? null : [`${z}:${s}`];
      };
      view.canvas.addEventListener("pointermove", (event) => this.hover(keysAt(event)));
      view.canvas.addEventListener("pointerleave", () => this.hover(null));
      view.canvas.addEventListener("click", (event) => {
        this.showCurvesOf(String(z));
        this.select(keysAt(event));
      });
      view.canvas.addEventListener("keydown", (event) => {
        const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
        if (!step) return;
        event.preventDefault();
        const count = view.slice.segments.length;
        const [, now] = this.state.selected?.find((key) => key.startsWith(`${z}:`))?.split(":") ?? [z, step > 0 ? -1 : 0];
        this.showCurvesOf(String(z));
        this.select([`${z}:${(Number(now) + step + count) % count}`], { toggle: false });
      });
    });
  }

  connectBullseye() {
    this.sectors = [...document.querySelectorAll("#bullseye .sector")].map((element) => {
      const ring = this.page.rings[element.dataset.ring];
      const s = Number(element.dataset.sector);
      return { element, shape: element.querySelector("path"), text: element.querySelector("text"), ring, s, keys: ring.slices.map((z) => `${z}:${s}`) };
    });
    for (const sector of this.sectors) {
      const { element, keys, ring } = sector;
      const choose = () => {
        if (!ring.slices.includes(Number(this.state.curvesOf))) this.showCurvesOf(String(ring.slices[0]));
        this.select(keys);
      };
      element.addEventListener("pointerenter", () => this.hover(keys));
      element.addEventListener("pointerleave", () => this.hover(null));
      element.addEventListener("click", choose);
      element.addEventListener("keydown", (event) => {
        if (event.key !== "Enter" && event.key !== " ") return;
        event.preventDefault();
        event.stopPropagation();
        choose();
      });
    }
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
      Escape: () => this.select(null),
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

  // ---- choices

  chooseQuantity(name) {
    this.state.quantity = name;
    this.showQuantity();
    this.buildCharts();
    this.draw();
  }

  showQuantity() {
    const { signed: isSigned, unit, label, ends } = this.page.quantities[this.state.quantity];
    const limit = this.state.limits[this.state.quantity];
    if (byId("limit").valueAsNumber !== limit) byId("limit").value = limit;
    byId("limit-unit").textContent = unit;
    byId("limit-word").textContent = isSigned ? "Range ±" : "Range up to";
    byId("scale-name").textContent = `${label} (${unit})`;
    const digits = Number.isInteger(limit) ? 0 : 1;
    byId("scale-low").textContent = isSigned ? signed(-limit, digits) : "0";
    byId("scale-high").textContent = isSigned ? signed(limit, digits) : limit.toFixed(digits);
    byId("scale-low-word").textContent = ends[0];
    byId("scale-high-word").textContent = ends[1];
    byId("matrix-title").textContent = `${label} of segments over time (${unit})`;
    byId("curves-title").textContent = `${label} (${unit})`;
    const context = byId("scale").getContext("2d");
    const image = context.createImageData(256, 1);
    const colours = this.colourTables[this.state.quantity];
    for (let index = 0; index < 256; index += 1) {
      image.data.set([...colours.subarray(3 * index, 3 * index + 3), 255], 4 * index);
    }
    context.putImageData(image, 0, 0);
  }

  chooseLimit(limit) {
    this.state.limits[this.state.quantity] = limit;
    this.showQuantity();
    this.charts.matrix?.recolourCells(this.matrixRows());
    this.draw();
  }

  showCurvesOf(which) {
    if (String(this.state.curvesOf) === which) return;
    this.state.curvesOf = which;
    if (byId("curves-of")) byId("curves-of").value = which;
    this.buildCurves();
  }

  hover(keys) {
    if (sameKeys(keys, this.state.hovered)) return;
    this.state.hovered = keys;
    this.showHighlight();
  }

  /** Highlight segments until others are chosen; choosing the same ones again releases them. */
  select(keys, { toggle = true } = {}) {
    this.state.selected = toggle && sameKeys(keys, this.state.selected) ? null : keys;
    this.showHighlight();
  }

  /** Keys "slice:segment" of the segments that are emphasised, or null. */
  active() {
    const keys = this.state.hovered ?? this.state.selected;
    return keys && new Set(keys);
  }

  showHighlight() {
    const active = this.active();
    this.charts.curves?.highlight(active);
    this.charts.matrix?.highlight(active);
    for (const button of byId("legend").children) {
      const isSelected = this.state.selected?.includes(button.dataset.key) ?? false;
      button.setAttribute("aria-pressed", String(isSelected));
      button.classList.toggle("is-active", active?.has(button.dataset.key) ?? false);
    }
    this.draw();
  }

  switchTheme() {
    document.documentElement.dataset.theme = isDark() ? "light" : "dark";
    this.showTheme();
  }

  showTheme() {
    byId("theme").textContent = isDark() ? "Light" : "Dark";
    this.buildCharts();
  }

  // ---- drawing

  colours() {
    const { quantity, limits } = this.state;
    const limit = limits[quantity];
    const isSigned = this.page.quantities[quantity].signed;
    return { table: this.colourTables[quantity], first: isSigned ? -limit : 0, perUnit: 255 / (isSigned ? 2 * limit : limit) };
  }

  /** [red, green, blue] of a value, or null if it is unknown. */
  colourOf(value) {
    if (!Number.isFinite(value)) return null;
    const { table, first, perUnit } = this.colours();
    return tableColour(table, value, first, perUnit);
  }

  /** What a slice shows, see `SliceView.draw`. */
  shown(z) {
    return {
      ...this.state,
      colours: this.colours(),
      arrows: byId("show-arrows").checked,
      drawn: byId("show-drawn")?.checked ?? false,
      predicted: byId("show-predicted").checked,
      labels: byId("show-labels").checked,
      active: ofSlice(this.active(), z),
    };
  }

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

  draw() {
    const { state } = this;
    const active = this.active();
    this.views.forEach((view, z) => {
      if (!view.isVisible) return;
      view.fit();
      view.draw(this.shown(z));
    });
    for (const view of this.longAxisViews) {
      if (!view.isVisible) continue;
      view.fit();
      view.draw(this.shownLongAxis());
    }
    this.drawBullseye(active);
    for (const chart of Object.values(this.charts)) chart.moveTo(state.frame);
    const { frames, times_ms: times } = this.page;
    const slider = byId("frame");
    slider.value = state.frame + 1;
    byId("time").textContent = `frame ${state.frame + 1} of ${frames}, ${times[state.frame].toFixed(0)} ms`;
    if (!state.isPlaying) {
      slider.setAttribute("aria-valuetext", byId("time").textContent);
      byId("readout").textContent = this.readout();
    } else if (active) byId("readout").textContent = this.readout();
    else if (byId("readout").textContent) byId("readout").textContent = "";
  }

  /** Value of a sector: mean over the slices of its ring. */
  sectorValue({ ring, s }) {
    const { quantity, frame, bullseye } = this.state;
    const valueOf = (z) => {
      if (bullseye === "frame") return this.table.value(z, s, quantity, frame);
      const peaks = this.page.peaks[quantity];
      return peaks ? orNaN(peaks[z][s]) : Math.max(...this.table.curves[z][s][quantity].mean);
    };
    return meanOf(ring.slices.map(valueOf));
  }

  drawBullseye(active) {
    const { label, unit } = this.page.quantities[this.state.quantity];
    const digits = this.page.rings.length < 4 ? 1 : 0;
    for (const sector of this.sectors) {
      const value = this.sectorValue(sector);
      const colour = this.colourOf(value);
      const text = this.format(value, digits);
      const isActive = active && sector.keys.some((key) => active.has(key));
      sector.shape.setAttribute("fill", colour ? `rgb(${colour})` : "#8a929b");
      sector.text.setAttribute("fill", colour && luminance(colour) > 0.45 ? "#10161c" : "#ffffff");
      if (sector.text.textContent !== text) sector.text.textContent = text;
      sector.element.classList.toggle("is-active", Boolean(isActive));
      sector.element.classList.toggle("is-faded", Boolean(active) && !isActive);
      if (this.state.isPlaying) continue;
      const isSelected = this.state.selected?.some((key) => sector.keys.includes(key)) ?? false;
      sector.element.setAttribute("aria-pressed", String(isSelected));
      sector.element.setAttribute("aria-label", `${sector.element.dataset.name}: ${label} ${text} ${unit}`);
    }
    if (this.page.rings.length === 1) this.drawMiddle();
  }

  drawMiddle() {
    const { quantity, frame, bullseye } = this.state;
    const curve = this.page.heart[quantity];
    const value = bullseye === "frame" ? curve[frame] : this.page.heart_peaks[quantity];
    const lines = [this.page.heart_names[quantity], `${this.format(orNaN(value), 1)} ${this.page.quantities[quantity].unit}`];
    const text = byId("bullseye-middle");
    if (!text.children.length) {
      for (const dy of ["-0.25em", "1.25em"]) {
        const line = document.createElementNS("http://www.w3.org/2000/svg", "tspan");
        line.setAttribute("x", "0");
        line.setAttribute("dy", dy);
        text.append(line);
      }
    }
    lines.forEach((line, index) => (text.children[index].textContent = line));
  }

  format(value, digits) {
    const { quantity } = this.state;
    return this.page.quantities[quantity].signed ? signed(value, digits) : Number.isFinite(value) ? value.toFixed(digits) : "–";
  }

  /** One sentence about the highlighted segments, or about the whole heart. */
  readout() {
    const { quantity, frame } = this.state;
    const { label, unit } = this.page.quantities[quantity];
    const keys = this.state.hovered ?? this.state.selected;
    const when = `frame ${frame + 1}`;
    if (!keys?.length) {
      return `Whole wall: ${this.page.heart_names[quantity]} ${this.format(orNaN(this.page.heart[quantity][frame]), 1)} ${unit}, ${when}`;
    }
    const places = keys.map((key) => key.split(":").map(Number));
    const [z, s] = places[0];
    const { name, aha } = this.page.slices[z].segments[s];
    const wall = aha === null ? name : `${name} (AHA ${aha})`;
    const value = this.format(meanOf(places.map((place) => this.table.value(...place, quantity, frame))), 1);
    const limits = places.length === 1 ? this.table.interval(z, s, quantity, frame) : null;
    const between = limits ? ` (${this.format(limits[0], 1)} … ${this.format(limits[1], 1)})` : "";
    const where = places.length === 1 ? `slice ${z + 1}` : `mean of ${places.length} slices`;
    return `${wall}, ${where}: ${label} ${value} ${unit}${between}, ${when}`;
  }

  // ---- charts

  async buildCharts() {
    await Promise.all([this.buildCurves(), this.buildMatrix(), this.buildOthers()]);
  }

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

  async buildCurves() {
    const { quantity, curvesOf } = this.state;
    const times = curvesOf === "all" ? this.page.times_ms : this.page.slices[curvesOf].times_ms;
    const settings = {
      ...this.chartSettings(times, innerWidth < NARROW ? 220 : 280),
      onPointer: (time, value) => this.hover(time === null ? null : keysOf(this.charts.curves.keyAt(time, value))),
      onClick: (time, value) => {
        const { curves } = this.charts;
        const key = curves.keyAt(time, value);
        if (key) this.select([key]);
        else this.goTo(curves.frameAt(time));
      },
    };
    const curves = curvesOf === "all" ? this.sliceCurves(quantity) : this.segmentCurves(Number(curvesOf), quantity);
    this.showLegend(curves);
    await this.replaceChart("curves", byId("curves"), (place) => new CurveChart(place, settings, curves));
  }

  segmentCurves(z, quantity) {
    const slice = this.page.slices[z];
    const curves = slice.segments.map(({ name, aha, colour }, s) => {
      const { mean, low, high } = this.table.curves[z][s][quantity];
      const hasBand = low?.some((value, frame) => Number.isFinite(value) && value !== mean[frame]);
      return { key: `${z}:${s}`, label: aha === null ? name : `${name} (AHA ${aha})`, colour, mean, low: hasBand ? low : null, high };
    });
    return [...curves, { key: `slice ${z}`, label: "whole slice", colour: null, mean: slice.mean[quantity].map(orNaN), isBold: true }];
  }

  sliceCurves(quantity) {
    const count = this.page.slices.length;
    const curves = this.page.slices.map((slice, z) => ({
      key: `slice ${z}`,
      label: `slice ${z + 1}, ${slice.level}`,
      colour: `hsl(${200 + (140 * z) / Math.max(1, count - 1)}, 60%, 52%)`,
      mean: slice.mean[quantity].map(orNaN),
    }));
    return [...curves, { key: "heart", label: "all slices", colour: null, mean: this.page.heart[quantity].map(orNaN), isBold: true }];
  }

  showLegend(curves) {
    const legend = byId("legend");
    legend.replaceChildren(
      ...curves.map(({ key, label, colour, isBold }) => {
        const entry = document.createElement(isBold ? "span" : "button");
        const line = document.createElement("i");
        if (colour) line.style.background = colour;
        entry.append(line, label);
        entry.className = isBold ? "entry is-bold" : "entry";
        entry.dataset.key = key;
        if (isBold) return entry;
        entry.type = "button";
        entry.setAttribute("aria-pressed", String(this.state.selected?.includes(key) ?? false));
        entry.addEventListener("click", () => this.select([key]));
        entry.addEventListener("pointerenter", () => this.hover([key]));
        entry.addEventListener("pointerleave", () => this.hover(null));
        return entry;
      }),
    );
  }

  matrixRows() {
    const { quantity } = this.state;
    const total = this.page.slices.reduce((sum, slice) => sum + slice.segments.length, 0);
    return this.page.slices.flatMap((slice, z) =>
      slice.segments.map(({ name }, s) => {
        const wall = total > 24 ? "" : name;
        const label = this.page.slices.length === 1 ? wall : s === 0 && total > 24 ? `slice ${z + 1}` : wall && `${z + 1} ${wall}`;
        const colours = this.table.curves[z][s][quantity].mean.map((value) => {
          const colour = this.colourOf(value);
          return colour ? `rgb(${colour})` : "#8a929b";
        });
        return { key: `${z}:${s}`, label, colours };
      }),
    );
  }

  async buildMatrix() {
    const rows = this.matrixRows();
    const perRow = rows.length <= 8 ? (innerWidth < NARROW ? 30 : 52) : rows.length <= 24 ? 17 : Math.max(5, 420 / rows.length);
    const settings = {
      ...this.chartSettings(this.page.times_ms, Math.round(rows.length * perRow + 60)),
      onPointer: (time, value) => this.hover(time === null ? null : keysOf(this.charts.matrix.keyAt(value))),
      onClick: (time, value) => {
        const { matrix } = this.charts;
        const key = matrix.keyAt(value);
        if (!key) return;
        this.showCurvesOf(key.split(":")[0]);
        this.select([key], { toggle: false });
        this.goTo(matrix.frameAt(time));
      },
    };
    await this.replaceChart("matrix", byId("matrix"), (place) => new MatrixChart(place, settings, rows));
  }

  /** The curves of volume and long axis, which do not change. */
  async buildOthers() {
    const { volumes, long_axis: longAxis } = this.page;
    if (volumes) {
      const curve = { key: "volume", colour: null, mean: volumes.ml.map(orNaN), isBold: true };
      const settings = this.chartSettings(volumes.times_ms, 160);
      await this.replaceChart("volumes", byId("volumes"), (place) => new CurveChart(place, settings, [curve]));
    }
    if (longAxis) {
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
  }

  /** Show end-systole on white paper, with pictures of the charts, since they cannot be fitted to the paper. */
  prepareForPrint() {
    this.themeOnScreen = document.documentElement.dataset.theme;
    document.documentElement.dataset.theme = "light";
    this.goTo(this.page.es);
    this.views.forEach((view, z) => view.addPicture(this.shown(z)));
    for (const view of this.longAxisViews) view.addPicture(this.shownLongAxis());
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

function keysOf(key) {
  return key?.includes(":") ? [key] : null;
}

function sameKeys(one, other) {
  return (one ?? []).join() === (other ?? []).join() && (one === null) === (other === null);
}

/** The segments of one slice among keys "slice:segment", or null if there are none. */
function ofSlice(keys, z) {
  const found = [...(keys ?? [])].map((key) => key.split(":").map(Number)).filter(([slice]) => slice === z);
  return found.length ? new Set(found.map(([, segment]) => segment)) : null;
}

/** Relative luminance of an sRGB colour, as in WCAG. */
function luminance(colour) {
  const [red, green, blue] = colour.map((value) => {
    const share = value / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function save(name, text) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
  link.download = name;
  link.click();
  URL.revokeObjectURL(link.href);
}

new Viewer(JSON.parse(byId("data").textContent)).start();

"use strict";
// State of the page of short-axis slices and its controls.

const NARROW = 700;

class Viewer extends Player {
  constructor(page) {
    super(page, {
      quantity: "ecc",
      limits: Object.fromEntries(Object.entries(page.quantities).map(([name, each]) => [name, each.limit])),
      opacity: 0.8,
      bullseye: "frame",
      curvesOf: 0,
      selected: null,
      hovered: null,
    });
    this.table = new SegmentTable(page.segments_csv, page.slices);
    this.views = [];
  }

  async load() {
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
    await super.load();
  }

  // ---- controls

  connect() {
    super.connect();
    const { state } = this;
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
    byId("curves-of")?.addEventListener("change", (event) => this.showCurvesOf(event.target.value));
    this.connectPictures();
    this.connectBullseye();
  }

  pictures() {
    return [...this.views, ...super.pictures()];
  }

  addPictures() {
    this.views.forEach((view, z) => view.addPicture(this.shown(z)));
    super.addPictures();
  }

  tableFile() {
    return ["segments.csv", this.page.segments_csv];
  }

  release() {
    this.select(null);
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
    this.drawScale(this.colourTables[this.state.quantity]);
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

  draw() {
    const { state } = this;
    const active = this.active();
    this.views.forEach((view, z) => {
      if (!view.isVisible) return;
      view.fit();
      view.draw(this.shown(z));
    });
    this.drawBullseye(active);
    super.draw();
    if (!state.isPlaying || active) byId("readout").textContent = this.readout();
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
    const { volumes } = this.page;
    if (volumes) {
      const curve = { key: "volume", colour: null, mean: volumes.ml.map(orNaN), isBold: true };
      const settings = this.chartSettings(volumes.times_ms, 160);
      await this.replaceChart("volumes", byId("volumes"), (place) => new CurveChart(place, settings, [curve]));
    }
    await this.buildLongAxis();
  }

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

new Viewer(JSON.parse(byId("data").textContent)).start();

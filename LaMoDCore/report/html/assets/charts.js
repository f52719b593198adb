"use strict";
/* global Bokeh */
// The curves and the strain matrix, drawn by Bokeh.

const FADED = 0.25;

/** Colours of the page, which follow its light or dark style. */
function pageColours() {
  const style = getComputedStyle(document.documentElement);
  const value = (name) => style.getPropertyValue(name).trim();
  return { ink: value("--ink"), soft: value("--soft"), faint: value("--faint") };
}

/** Let the Tab key pass over a plot, on which keys do nothing; its values are in tables and buttons. */
function removeTabStop(view) {
  view.canvas_view?.events_el?.setAttribute("tabindex", "-1");
}

/** A chart whose horizontal axis is time in ms, with a cursor at the current frame. */
class TimeChart {
  constructor(place, { height, times, label, rows = null, onPointer = null, onClick = null }) {
    this.place = place;
    this.times = times;
    const range = new Bokeh.Range1d({ start: times[0], end: times.at(-1) });
    const settings = { height, sizing_mode: "stretch_width", tools: [], x_range: range };
    if (rows) settings.y_range = new Bokeh.Range1d({ start: rows, end: 0 });
    this.figure = Bokeh.Plotting.figure(settings);
    this.figure.toolbar_location = null;
    this.figure.toolbar.visible = false;
    this.figure.min_border_left = 46;
    this.figure.min_border_right = 10;
    this.figure.background_fill_color = null;
    this.figure.border_fill_color = null;
    this.figure.outline_line_color = null;
    const [xaxis, yaxis] = [this.figure.xaxis, this.figure.yaxis];
    this.axes = [xaxis, yaxis];
    xaxis.axis_label = label;
    this.recolour();
    this.cursor = document.createElement("div");
    this.cursor.className = "cursor";
    if (onPointer) {
      this.figure.on_event("mousemove", (event) => onPointer(event.x, event.y));
      this.figure.on_event("mouseleave", () => onPointer(null, null));
    }
    if (onClick) this.figure.on_event("tap", (event) => onClick(event.x, event.y));
  }

  recolour() {
    const { ink, soft, faint } = pageColours();
    for (const axis of this.axes) {
      axis.axis_line_color = soft;
      axis.major_tick_line_color = soft;
      axis.minor_tick_line_color = null;
      axis.major_label_text_color = soft;
      axis.axis_label_text_color = soft;
      axis.axis_label_text_font_style = "normal";
      axis.axis_label_text_font_size = "12px";
    }
    for (const grid of [this.figure.xgrid, this.figure.ygrid]) grid.grid_line_color = faint;
    this.ink = ink;
  }

  async show() {
    this.view = await Bokeh.Plotting.show(this.figure, this.place);
    removeTabStop(this.view);
    this.place.append(this.cursor);
  }

  /** Move the cursor; an element over the chart, because drawing the chart again takes longer than a frame. */
  moveTo(frame) {
    this.moveToTime(this.times[frame]);
  }

  moveToTime(time) {
    const frameView = this.view?.frame;
    if (!frameView) return;
    const { left, top, height } = frameView.bbox;
    const x = left + ((time - this.times[0]) / (this.times.at(-1) - this.times[0])) * frameView.bbox.width;
    this.cursor.style.transform = `translate(${x}px, ${top}px)`;
    this.cursor.style.height = `${height}px`;
  }

  /** Put a picture of the chart in the page's present colours behind it, for paper. */
  addPicture() {
    this.recolour();
    this.view.force_paint(() => this.view.paint());
    addPrintedPicture(this.place, this.view.export("png", true).canvas);
  }

  /** Frame whose time is nearest. */
  frameAt(time) {
    let nearest = 0;
    this.times.forEach((each, frame) => {
      if (Math.abs(each - time) < Math.abs(this.times[nearest] - time)) nearest = frame;
    });
    return nearest;
  }
}

/** Curves with bands; each is {key, colour, mean, low, high, isBold}. */
class CurveChart extends TimeChart {
  constructor(place, settings, curves) {
    super(place, settings);
    this.curves = curves.map((curve) => this.added(curve));
    this.figure.line([this.times[0], this.times.at(-1)], [0, 0], { line_color: pageColours().soft, line_width: 1 });
  }

  added(curve) {
    const source = new Bokeh.ColumnDataSource({ data: this.columns(curve) });
    const colour = curve.colour ?? this.ink;
    const band = curve.low
      ? this.figure.varea({ field: "x" }, { field: "low" }, { field: "high" }, { source, fill_color: colour, fill_alpha: 0.1 })
      : null;
    const line = this.figure.line({ field: "x" }, { field: "y" }, { source, line_color: colour, line_width: curve.isBold ? 3 : 1.6 });
    return { ...curve, source, renderer: line, line: line.glyph, band: band?.glyph };
  }

  columns(curve) {
    const columns = { x: [...(curve.times ?? this.times)], y: curve.mean };
    return curve.low ? { ...columns, low: curve.low, high: curve.high } : columns;
  }

  recolour() {
    super.recolour();
    for (const curve of this.curves ?? []) {
      if (curve.colour) continue;
      curve.line.line_color = this.ink;
      this.view?.views.find_one(curve.renderer)?.set_visuals(); // at once, for a picture that is taken now
    }
  }

  /** Emphasise the curves whose key is in the set; all are alike without a set. */
  highlight(active) {
    for (const curve of this.curves) {
      const isActive = !active || active.has(curve.key);
      const isChosen = active?.has(curve.key);
      curve.line.line_alpha = isActive || curve.isBold ? 1 : FADED;
      curve.line.line_width = isChosen || curve.isBold ? 3 : 1.6;
      if (curve.band) curve.band.fill_alpha = isChosen ? 0.28 : active ? 0.02 : 0.1;
    }
  }

  /** Key of the curve nearest to a point within `within` of the vertical range, or null. */
  keyAt(time, value, within = 0.06) {
    const frame = this.frameAt(time);
    const { start, end } = this.view.frame.y_range;
    let nearest = null;
    let distance = within * Math.abs(end - start);
    for (const curve of this.curves) {
      const away = Math.abs(curve.mean[frame] - value);
      if (away <= distance && !curve.isBold) [nearest, distance] = [curve.key, away];
    }
    return nearest;
  }
}

/** One row of cells per segment; each row is {key, label, colours}. */
class MatrixChart extends TimeChart {
  constructor(place, settings, rows) {
    super(place, { ...settings, rows: rows.length });
    this.rows = rows;
    const edges = cellEdges(this.times);
    this.figure.x_range.start = edges[0];
    this.figure.x_range.end = edges.at(-1);
    this.edges = edges;
    this.source = new Bokeh.ColumnDataSource({ data: this.columns() });
    this.figure.quad({
      left: { field: "left" }, right: { field: "right" }, top: { field: "top" }, bottom: { field: "bottom" },
      fill_color: { field: "colour" }, line_color: { field: "colour" }, line_width: 0.5, source: this.source,
    });
    this.frames = new Bokeh.ColumnDataSource({ data: { left: [], right: [], top: [], bottom: [] } });
    this.figure.quad({
      left: { field: "left" }, right: { field: "right" }, top: { field: "top" }, bottom: { field: "bottom" },
      fill_color: null, line_color: this.ink, line_width: 2, source: this.frames,
    });
    const axis = this.axes[1];
    axis.ticker = new Bokeh.FixedTicker({ ticks: rows.map((_, index) => index + 0.5) });
    axis.major_label_overrides = new Map(rows.map((row, index) => [index + 0.5, row.label]));
    axis.major_tick_line_color = null;
    axis.major_label_text_font_size = "11px";
    for (const grid of [this.figure.xgrid, this.figure.ygrid]) grid.visible = false;
  }

  columns() {
    const [left, right, top, bottom, colour] = [[], [], [], [], []];
    this.rows.forEach((row, index) => {
      row.colours.forEach((each, frame) => {
        left.push(this.edges[frame]);
        right.push(this.edges[frame + 1]);
        top.push(index + 0.04);
        bottom.push(index + 0.96);
        colour.push(each);
      });
    });
    return { left, right, top, bottom, colour };
  }

  recolourCells(rows) {
    this.rows = rows;
    this.source.data = this.columns();
  }

  highlight(active) {
    const chosen = this.rows.map((row, index) => (active?.has(row.key) ? index : -1)).filter((index) => index >= 0);
    this.frames.data = {
      left: chosen.map(() => this.edges[0]),
      right: chosen.map(() => this.edges.at(-1)),
      top: chosen.map((index) => index + 0.04),
      bottom: chosen.map((index) => index + 0.96),
    };
  }

  keyAt(value) {
    return this.rows[Math.floor(value)]?.key ?? null;
  }

  moveTo(frame) {
    const bbox = this.view?.frame?.bbox;
    if (!bbox) return;
    const share = (this.times[frame] - this.edges[0]) / (this.edges.at(-1) - this.edges[0]);
    this.cursor.style.transform = `translate(${bbox.left + share * bbox.width}px, ${bbox.top}px)`;
    this.cursor.style.height = `${bbox.height}px`;
  }
}

/** Borders half-way between times; the outer cells are as wide as their neighbours. */
function cellEdges(times) {
  const inner = times.slice(1).map((time, index) => (time + times[index]) / 2);
  return [times[0] - (inner[0] - times[0]), ...inner, times.at(-1) + (times.at(-1) - inner.at(-1))];
}

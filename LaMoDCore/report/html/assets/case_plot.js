"use strict";
/* global Bokeh */
// A scatter plot, drawn by Bokeh, whose points belong to cases.

const NEAR_PIXELS = 14;
const MANY_POINTS = 150;
const LONGEST_LABEL = 48;

class CasePlot {
  /**
   * @param {HTMLElement} place element that holds the plot.
   * @param {object} settings labels `x` and `y` of the axes; `points` as {case, x, y, text}; horizontal `lines` as
   *   {y, dash, text}; whether `isDiagonal`, with equal axes and a line where both are equal.
   * @param {object} actions `onHover(point or null)`, `onOpen(point)`, and `isShown(point)`.
   */
  constructor(place, settings, actions) {
    this.place = place;
    this.points = settings.points;
    this.settings = settings;
    this.actions = actions;
    this.active = null;
    this.figure = this.makeFigure();
    this.source = new Bokeh.ColumnDataSource({ data: this.columns() });
    this.figure.scatter({ field: "x" }, { field: "y" }, {
      source: this.source, size: { field: "size" }, fill_alpha: { field: "alpha" }, line_alpha: { field: "alpha" },
      fill_color: "#2b78a8", line_color: "#ffffff",
    });
    this.figure.on_event("mousemove", (event) => this.hover(this.pointAt(event)));
    this.figure.on_event("mouseleave", () => this.hover(null));
    this.figure.on_event("tap", (event) => {
      const found = this.pointAt(event);
      if (found) this.actions.onOpen(found);
    });
  }

  makeFigure() {
    const { x, y, lines = [], isDiagonal = false } = this.settings;
    const across = this.points.map((point) => point.x);
    const up = [...this.points.map((point) => point.y), ...lines.map((line) => line.y)];
    const [left, right] = limits(isDiagonal ? [...across, ...up] : across);
    const [bottom, top] = isDiagonal ? [left, right] : limits(up);
    const figure = Bokeh.Plotting.figure({
      height: 320, sizing_mode: "stretch_width", tools: [],
      x_range: new Bokeh.Range1d({ start: left, end: right }), y_range: new Bokeh.Range1d({ start: bottom, end: top }),
    });
    figure.toolbar_location = null;
    figure.min_border_left = 52;
    figure.min_border_right = 12;
    figure.background_fill_color = null;
    figure.border_fill_color = null;
    figure.outline_line_color = null;
    const { ink, soft, faint } = pageColours();
    for (const [axis, label] of [[figure.xaxis, x], [figure.yaxis, y]]) {
      axis.axis_label = shortened(label);
      axis.axis_label_text_font_style = "normal";
      axis.axis_label_text_color = soft;
      axis.major_label_text_color = soft;
      axis.axis_line_color = soft;
      axis.major_tick_line_color = soft;
      axis.minor_tick_line_color = null;
    }
    for (const grid of [figure.xgrid, figure.ygrid]) grid.grid_line_color = faint;
    if (isDiagonal) figure.line([left, right], [left, right], { line_color: soft, line_width: 1.5 });
    for (const line of lines) {
      figure.line([left, right], [line.y, line.y], { line_color: ink, line_width: 1.5, line_dash: line.dash ?? "solid" });
      figure.text([right], [line.y], [line.text], {
        text_color: ink, text_font_size: "11px", text_align: "right", text_baseline: "bottom", y_offset: -2,
      });
    }
    return figure;
  }

  async show() {
    this.view = await Bokeh.Plotting.show(this.figure, this.place);
    removeTabStop(this.view);
  }

  remove() {
    this.view?.remove?.();
  }

  columns() {
    const isMany = this.points.length > MANY_POINTS;
    const [small, large, opaque] = isMany ? [6, 12, 0.6] : [9, 14, 0.9];
    return {
      x: this.points.map((point) => point.x),
      y: this.points.map((point) => point.y),
      size: this.points.map((point) => (point.case === this.active ? large : small)),
      alpha: this.points.map((point) => (!this.actions.isShown(point) ? 0.08 : point.case === this.active ? 1 : opaque)),
    };
  }

  /** Emphasise the points of a case, or of none. */
  highlight(name) {
    this.active = name;
    this.refresh();
  }

  refresh() {
    this.source.data = this.columns();
  }

  pointAt({ sx, sy }) {
    if (!this.view) return null;
    const { x_scale: across, y_scale: up } = this.view.frame;
    let nearest = null;
    let distance = NEAR_PIXELS;
    for (const point of this.points) {
      const away = Math.hypot(across.compute(point.x) - sx, up.compute(point.y) - sy);
      if (away <= distance && this.actions.isShown(point)) [nearest, distance] = [point, away];
    }
    return nearest;
  }

  hover(point) {
    this.place.style.cursor = point?.page ? "pointer" : "default";
    this.actions.onHover(point);
  }
}

/** A label that fits next to a plot. */
function shortened(text) {
  return text.length <= LONGEST_LABEL ? text : `${text.slice(0, LONGEST_LABEL - 1)}…`;
}

/** Smallest and largest value with a margin. */
function limits(values) {
  const low = Math.min(...values);
  const high = Math.max(...values);
  if (!Number.isFinite(low)) return [0, 1];
  const margin = 0.08 * (high - low) || 1;
  return [low - margin, high + margin];
}

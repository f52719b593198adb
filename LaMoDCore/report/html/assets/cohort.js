"use strict";
/* global Bokeh */
// The table of the cases of a cohort, and the scatter plot next to it.

const element = (id) => document.getElementById(id);
const ALL = -1;
const NEAR_PIXELS = 14;

class Cohort {
  constructor(data) {
    this.data = data;
    this.body = element("cases").tBodies[0];
    this.rows = [...this.body.rows];
    this.shown = new Set();
    this.active = null;
    this.rows.forEach((row, index) => (row.dataset.order = index));
  }

  async start() {
    element("filter").addEventListener("input", () => this.filter());
    element("severity").addEventListener("change", () => this.filter());
    for (const button of document.querySelectorAll("button[data-column]")) {
      button.addEventListener("click", () => this.sortBy(button));
    }
    for (const id of ["across", "up"]) element(id).addEventListener("change", () => this.drawPlot());
    element("theme").addEventListener("click", () => {
      document.documentElement.dataset.theme = isInDarkColours() ? "light" : "dark";
      this.showTheme();
    });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.showTheme());
    this.filter();
    await this.showTheme();
    document.documentElement.dataset.ready = "true";
  }

  async showTheme() {
    element("theme").textContent = isInDarkColours() ? "Light" : "Dark";
    await this.drawPlot();
  }

  // ---- table

  filter() {
    const words = element("filter").value.toLowerCase().split(/\s+/).filter(Boolean);
    const least = Number(element("severity").value);
    for (const row of this.rows) {
      const text = row.textContent.toLowerCase();
      row.hidden = !(words.every((word) => text.includes(word)) && (least === ALL || Number(row.dataset.rank) >= least));
    }
    const visible = this.rows.filter((row) => !row.hidden);
    this.shown = new Set(visible.map((row) => row.dataset.case));
    element("count").textContent = `${visible.length} of ${this.rows.length} shown`;
    this.showPoints();
  }

  /** Sort by a column, and the other way round the second time; unknown values come last. */
  sortBy(button) {
    const header = button.closest("th");
    const direction = header.ariaSort === "ascending" ? "descending" : "ascending";
    for (const other of header.parentElement.cells) if (other.ariaSort) other.ariaSort = "none";
    header.ariaSort = direction;
    const sign = direction === "ascending" ? 1 : -1;
    const valueOf = columnValue(button.dataset.column);
    const sorted = this.rows.toSorted((one, other) => {
      const [a, b] = [valueOf(one), valueOf(other)];
      if (a === null || b === null) return (a === null) - (b === null);
      if (typeof a === "number") return sign * (a - b);
      return sign * a.localeCompare(b, "en", { numeric: true });
    });
    this.body.append(...sorted);
  }

  // ---- plot

  points() {
    const [x, y] = [Number(element("across").value), Number(element("up").value)];
    return this.data.cases
      .map((each) => ({ ...each, x: each.values[x], y: each.values[y] }))
      .filter((each) => each.x !== null && each.y !== null && each.x !== undefined && each.y !== undefined);
  }

  async drawPlot() {
    const place = element("scatter");
    const names = Object.values(this.data.measures);
    if (!names.length) return;
    const figure = Bokeh.Plotting.figure({ height: 340, sizing_mode: "stretch_width", tools: [] });
    figure.toolbar_location = null;
    figure.background_fill_color = null;
    figure.border_fill_color = null;
    figure.outline_line_color = null;
    const { soft, faint } = pageColours();
    for (const [axis, id] of [[figure.xaxis, "across"], [figure.yaxis, "up"]]) {
      axis.axis_label = names[element(id).value];
      axis.axis_label_text_font_style = "normal";
      axis.axis_label_text_color = soft;
      axis.major_label_text_color = soft;
      axis.axis_line_color = soft;
      axis.major_tick_line_color = soft;
      axis.minor_tick_line_color = null;
    }
    for (const grid of [figure.xgrid, figure.ygrid]) grid.grid_line_color = faint;
    this.source = new Bokeh.ColumnDataSource({ data: { x: [], y: [], size: [], alpha: [] } });
    figure.scatter({ field: "x" }, { field: "y" }, {
      source: this.source, size: { field: "size" }, fill_alpha: { field: "alpha" }, line_alpha: { field: "alpha" },
      fill_color: "#2b78a8", line_color: "#ffffff",
    });
    this.showPoints();
    figure.on_event("mousemove", (event) => this.highlight(this.caseAt(event)));
    figure.on_event("mouseleave", () => this.highlight(null));
    figure.on_event("tap", (event) => {
      const found = this.caseAt(event);
      if (found?.page) location.assign(found.page);
    });
    place.replaceChildren();
    this.view = await Bokeh.Plotting.show(figure, place);
  }

  showPoints() {
    if (!this.source) return;
    const points = this.points();
    this.source.data = {
      x: points.map((each) => each.x),
      y: points.map((each) => each.y),
      size: points.map((each) => (each.id === this.active ? 14 : 9)),
      alpha: points.map((each) => (this.shown.has(each.id) ? 0.9 : 0.12)),
    };
  }

  caseAt({ sx, sy }) {
    const { x_scale: across, y_scale: up } = this.view.frame;
    let nearest = null;
    let distance = NEAR_PIXELS;
    for (const each of this.points()) {
      const away = Math.hypot(across.compute(each.x) - sx, up.compute(each.y) - sy);
      if (away <= distance && this.shown.has(each.id)) [nearest, distance] = [each, away];
    }
    return nearest;
  }

  highlight(found) {
    if ((found?.id ?? null) === this.active) return;
    this.active = found?.id ?? null;
    element("scatter").style.cursor = found?.page ? "pointer" : "default";
    for (const row of this.rows) row.classList.toggle("is-active", row.dataset.case === this.active);
    this.showPoints();
  }
}

/** The value of a row by which a column is sorted: a number, text, or null if it is unknown. */
function columnValue(column) {
  if (column === "id") return (row) => row.dataset.case;
  if (column === "contours") return (row) => row.dataset.contours || null;
  if (column === "rank") return (row) => Number(row.dataset.rank);
  return (row) => {
    const { value } = row.querySelectorAll("td.number")[column].dataset;
    return value === "" ? null : Number(value);
  };
}

function isInDarkColours() {
  const chosen = document.documentElement.dataset.theme;
  return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
}

new Cohort(JSON.parse(element("data").textContent)).start();

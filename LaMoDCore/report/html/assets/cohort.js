"use strict";
// The table of the cases of a cohort, and the plots next to it.

const element = (id) => document.getElementById(id);
const ALL = -1;

class Cohort {
  constructor(data) {
    this.data = data;
    this.body = element("cases").tBodies[0];
    this.rows = [...this.body.rows];
    this.shown = new Set();
    this.active = null;
    this.plots = {};
    this.builds = 0;
    this.hint = element("readout")?.textContent ?? "";
  }

  async start() {
    element("filter").addEventListener("input", () => this.filter());
    element("severity").addEventListener("change", () => this.filter());
    for (const button of document.querySelectorAll("button[data-column]")) {
      button.addEventListener("click", () => this.sortBy(button));
    }
    for (const id of ["across", "up"]) element(id)?.addEventListener("change", () => this.drawNumbers());
    for (const id of ["quantity", "method"]) element(id)?.addEventListener("change", () => this.drawAgreement());
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
    await Promise.all([this.drawNumbers(), this.drawAgreement()]);
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
    for (const plot of Object.values(this.plots)) plot.refresh();
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

  // ---- plots

  /** Two numbers of every case. */
  async drawNumbers() {
    if (!element("scatter")) return;
    const [across, up] = [Number(element("across").value), Number(element("up").value)];
    const { cases, measures, formats } = this.data;
    const shown = (each, index) => `${measures[index]} ${measuredNumber(each.values[index], formats[index])}`;
    const points = cases
      .filter((each) => isKnown(each.values[across]) && isKnown(each.values[up]))
      .map((each) => ({
        case: each.id, page: each.page, x: each.values[across], y: each.values[up],
        text: `${isolated(each.id)}: ${shown(each, across)}, ${shown(each, up)}`,
      }));
    await this.draw("scatter", { x: measures[across], y: measures[up], points });
  }

  /** A method against its reference, and their difference against their mean. */
  async drawAgreement() {
    if (!element("quantity")) return;
    const { cases, comparisons } = this.data;
    const quantity = element("quantity").value;
    const method = element("method")?.value ?? comparisons[0].method;
    const chosen = comparisons.find((each) => each.quantity === quantity && each.method === method);
    element("agreement").textContent = chosen?.summary ?? "This method has no values of this quantity.";
    const { unit = "", reference = "" } = chosen ?? {};
    const pairs = (chosen?.case ?? []).map((index, n) => {
      const { id, page } = cases[index];
      const [x, y] = [chosen.x[n], chosen.y[n]];
      const place = chosen.places[chosen.place[n]];
      const where = isolated(place ? `${id}, ${place}` : id);
      const text = `${where}: ${isolated(method)} ${shownNumber(y)}, ${isolated(reference)} ${shownNumber(x)} ${unit}`;
      return { case: id, page, x, y, text };
    });
    const differences = pairs.map((point) => ({ ...point, x: (point.x + point.y) / 2, y: point.y - point.x }));
    const lines = [
      ["bias", chosen?.bias, "solid"],
      ["+1.96 SD", chosen?.upper, "dashed"],
      ["−1.96 SD", chosen?.lower, "dashed"],
    ].filter(([, value]) => isKnown(value));
    await Promise.all([
      this.draw("agreement-scatter", { x: `${reference} (${unit})`, y: `${method} (${unit})`, points: pairs, isDiagonal: true }),
      this.draw("bland-altman", {
        x: `mean of both (${unit})`, y: `difference (${unit})`, points: differences,
        lines: lines.map(([text, y, dash]) => ({ y, dash, text: `${text} ${shownNumber(y)}` })),
      }),
    ]);
  }

  /** Replace a plot once the new one is complete; a later call for the same plot wins. */
  async draw(id, settings) {
    const place = element(id);
    const build = String((this.builds += 1));
    place.dataset.build = build;
    place.ariaBusy = "true";
    const holder = document.createElement("div");
    holder.className = "holder";
    place.append(holder);
    const plot = new CasePlot(holder, settings, {
      onHover: (point) => this.highlight(point),
      onOpen: (point) => point.page && location.assign(point.page),
      isShown: (point) => this.shown.has(point.case),
    });
    await plot.show();
    if (place.dataset.build !== build) {
      plot.remove();
      holder.remove();
      return;
    }
    this.plots[id]?.remove();
    this.plots[id]?.place.remove();
    this.plots[id] = plot;
    place.ariaBusy = null;
  }

  highlight(point) {
    const name = point?.case ?? null;
    const text = point?.text ?? this.hint;
    if (element("readout").textContent !== text) element("readout").textContent = text;
    if (name === this.active) return;
    this.active = name;
    for (const row of this.rows) row.classList.toggle("is-active", row.dataset.case === name);
    for (const plot of Object.values(this.plots)) plot.highlight(name);
  }
}

/** The value of a row by which a column is sorted: a number, text, or null if it is unknown. */
function columnValue(column) {
  if (column === "id") return (row) => row.dataset.case;
  if (column === "contours" || column === "about") return (row) => row.dataset[column] || null;
  if (column === "rank") return (row) => Number(row.dataset.rank);
  return (row) => {
    const { value } = row.querySelectorAll("td.number")[column].dataset;
    return value === "" ? null : Number(value);
  };
}

function isKnown(value) {
  return value !== null && value !== undefined;
}

/** A name that cannot turn the direction of the text around it. */
function isolated(name) {
  return `\u2068${name}\u2069`;
}

function shownNumber(value) {
  return measuredNumber(value, { digits: Math.abs(value) < 100 ? 1 : 0, signed: false });
}

/** A number as the table shows it. */
function measuredNumber(value, { digits, signed: isSigned }) {
  const text = value.toFixed(digits);
  if (Number(text) === 0) return text.replace("-", ""); // zero has no sign
  return isSigned && value > 0 ? `+${text}` : text.replace("-", "−");
}

function isInDarkColours() {
  const chosen = document.documentElement.dataset.theme;
  return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
}

new Cohort(JSON.parse(element("data").textContent)).start();

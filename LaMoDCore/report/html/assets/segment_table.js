"use strict";
// The values of segments.csv, by slice, segment and frame.

class SegmentTable {
  /**
   * @param {string} text contents of segments.csv; strains are fractions.
   * @param {object[]} slices slices of the page's data, which hold the displacement.
   */
  constructor(text, slices) {
    const [header, ...lines] = text.trimEnd().split("\n").map((line) => line.split(","));
    const column = Object.fromEntries(header.map((name, index) => [name, index]));
    const percent = (cells, name) => (cells[column[name]] === "" ? NaN : 100 * Number(cells[column[name]]));
    this.curves = slices.map((slice) =>
      slice.segments.map((_, s) => ({ displacement: { mean: slice.displacement[s].map(orNaN) } })),
    );
    for (const cells of lines) {
      const place = this.curves[cells[column.slice] - 1][cells[column.segment] - 1];
      const frame = Number(cells[column.frame]);
      for (const name of ["ecc", "err"]) {
        const curve = (place[name] ??= { mean: [], low: [], high: [] });
        const mean = percent(cells, name);
        const deviation = percent(cells, `${name}_std`);
        const low = percent(cells, `${name}_low`);
        const high = percent(cells, `${name}_high`);
        curve.mean[frame] = mean;
        // without a calibrated interval: one standard deviation, as the definitions explain
        curve.low[frame] = Number.isNaN(low) ? mean - deviation : low;
        curve.high[frame] = Number.isNaN(high) ? mean + deviation : high;
      }
    }
  }

  value(slice, segment, quantity, frame) {
    return this.curves[slice][segment][quantity].mean[frame];
  }

  /** [low, high] of a value, or null if it has none. */
  interval(slice, segment, quantity, frame) {
    const { low, high } = this.curves[slice][segment][quantity];
    return low && Number.isFinite(low[frame]) ? [low[frame], high[frame]] : null;
  }
}

/** null, which stands for an unknown number in JSON, as NaN. */
function orNaN(value) {
  return value === null ? NaN : value;
}

/** A number with a sign and a minus (U+2212), or a dash. */
function signed(value, digits) {
  if (!Number.isFinite(value)) return "–";
  const text = value.toFixed(digits);
  if (Number(text) === 0) return text.replace("-", ""); // zero has no sign
  return value > 0 ? `+${text}` : text.replace("-", "−");
}

/** Mean of the finite numbers, or NaN. */
function meanOf(values) {
  const known = values.filter(Number.isFinite);
  return known.length ? known.reduce((sum, value) => sum + value, 0) / known.length : NaN;
}

"use strict";
// Draws one short-axis slice of the heart on a canvas: cine, overlay, contours, arrows and labels.

const FADED_ALPHA = 70;
const OVERLAY_ALPHA = 255;
/** Canvases that are smaller, in CSS pixels, show every other arrow. */
const ROOM_FOR_EVERY_ARROW = 400;

/** One slice. Lengths are mm from the upper left corner of its square; segments count from 0. */
class SliceView extends CineView {
  constructor(canvas, slice, unpacked) {
    super(canvas, slice);
    this.unpacked = unpacked;
    const [columns, rows] = slice.overlay.size;
    this.lattice = document.createElement("canvas");
    this.lattice.width = columns;
    this.lattice.height = rows;
    this.colours = this.lattice.getContext("2d").createImageData(columns, rows);
    this.counts = drawnOffsets(slice.drawn);
  }

  /**
   * @param {object} show frame, quantity, limit, opacity, arrows, drawn, predicted, labels, colours, and `active`, the
   *   set of highlighted segments of this slice.
   */
  draw(show) {
    const scale = this.begin(show.frame);
    const wall = this.predictedPath(show.frame);
    if (show.opacity > 0) this.drawOverlay(show, wall);
    const line = this.lineWidth(scale);
    if (show.predicted) this.stroke(wall, "#4ce07c", line);
    if (show.drawn && this.unpacked.drawn) this.stroke(this.drawnPath(show.frame), "#ffa02e", line, [3 * line, 2.5 * line]);
    if (show.arrows) this.drawArrows(show.frame, line);
    if (show.labels) this.drawLabels(scale, show.active);
  }

  drawOverlay(show, wall) {
    const { context, slice } = this;
    this.colourOverlay(show);
    const { origin_mm: origin, step_mm: step, size } = slice.overlay;
    context.save();
    context.clip(wall, "evenodd");
    context.globalAlpha = show.opacity;
    context.imageSmoothingEnabled = true;
    context.drawImage(
      this.lattice,
      origin[0] - step[0] / 2,
      origin[1] - step[1] / 2,
      size[0] * step[0],
      size[1] * step[1],
    );
    context.restore();
  }

  /** Fill the lattice with the colours of a frame; segments that are not highlighted fade. */
  colourOverlay(show) {
    const codes = this.unpacked.codes[show.quantity];
    const segments = this.unpacked.segment;
    const [low, high] = this.slice.overlay.limits[show.quantity];
    const full = pixelsOfCodes(low, high, show.colours, OVERLAY_ALPHA);
    const pixels = new Uint32Array(this.colours.data.buffer);
    const start = show.frame * pixels.length;
    for (let index = 0; index < pixels.length; index += 1) pixels[index] = full[codes[start + index]];
    if (show.active) {
      const faded = pixelsOfCodes(low, high, show.colours, FADED_ALPHA);
      for (let index = 0; index < pixels.length; index += 1) {
        if (!show.active.has(segments[start + index] - 1)) pixels[index] = faded[codes[start + index]];
      }
    }
    this.lattice.getContext("2d").putImageData(this.colours, 0, 0);
  }

  /** Outline of the wall that the prediction carries to a frame. */
  predictedPath(frame) {
    const path = new Path2D();
    this.slice.predicted.forEach(({ points }, index) => {
      addLine(path, this.unpacked.predicted[index], frame * points, points);
    });
    return path;
  }

  drawnPath(frame) {
    const path = new Path2D();
    for (const [start, points] of this.counts[frame]) addLine(path, this.unpacked.drawn, start, points);
    return path;
  }

  drawArrows(frame, line) {
    const { arrowsFrom, arrowsMotion } = this.unpacked;
    const { points } = this.slice.arrows;
    const path = new Path2D();
    const step = this.canvas.clientWidth > ROOM_FOR_EVERY_ARROW ? 1 : 2;
    for (let point = 0; point < points; point += step) {
      const x = arrowsFrom[2 * point];
      const y = arrowsFrom[2 * point + 1];
      const dx = arrowsMotion[2 * (frame * points + point)];
      const dy = arrowsMotion[2 * (frame * points + point) + 1];
      const length = Math.hypot(dx, dy);
      if (length < 0.3) continue;
      const head = Math.min(1.8, 0.45 * length) / length;
      path.moveTo(x, y);
      path.lineTo(x + dx, y + dy);
      path.moveTo(x + dx - head * (dx + 0.6 * dy), y + dy - head * (dy - 0.6 * dx));
      path.lineTo(x + dx, y + dy);
      path.lineTo(x + dx - head * (dx - 0.6 * dy), y + dy - head * (dy + 0.6 * dx));
    }
    this.stroke(path, "#ffd84a", 0.9 * line);
  }

  drawLabels(scale, active) {
    const { context, slice } = this;
    const small = this.textSize(scale);
    this.drawLetters(slice.letters, small);
    slice.segments.forEach((segment, index) => {
      if (!segment.place_mm) return;
      const [x, y] = segment.place_mm;
      context.globalAlpha = active && !active.has(index) ? 0.35 : 1;
      context.beginPath();
      context.arc(x, y, 0.82 * small, 0, 2 * Math.PI);
      context.fillStyle = segment.colour;
      context.fill();
      context.fillStyle = "#ffffff";
      context.font = `600 ${0.9 * small}px system-ui, sans-serif`;
      context.fillText(String(segment.aha ?? index + 1), x, y + 0.05 * small);
      context.globalAlpha = 1;
    });
    if (slice.insertion_mm) this.drawDiamond(slice.insertion_mm, small); // the anterior RV insertion
  }

  /** Segment at a place of the canvas in CSS pixels, counted from 0, or null. */
  segmentAt(x, y, frame) {
    const scale = this.slice.size_mm / this.canvas.clientWidth;
    const [mmX, mmY] = [x * scale, y * scale];
    this.context.setTransform(1, 0, 0, 1, 0, 0);
    if (!this.context.isPointInPath(this.predictedPath(frame), mmX, mmY, "evenodd")) return null;
    const { origin_mm: origin, step_mm: step, size } = this.slice.overlay;
    const column = Math.round((mmX - origin[0]) / step[0]);
    const row = Math.round((mmY - origin[1]) / step[1]);
    if (column < 0 || row < 0 || column >= size[0] || row >= size[1]) return null;
    const segment = this.unpacked.segment[(frame * size[1] + row) * size[0] + column];
    return segment > 0 ? segment - 1 : null;
  }
}

/** The pixel of each code, red, green, blue and alpha in the order of an ImageData; code 0 is transparent. */
function pixelsOfCodes(low, high, { table, first, perUnit }, alpha) {
  const bytes = new Uint8ClampedArray(4 * 256);
  for (let code = 1; code < 256; code += 1) {
    const value = low + ((code - 1) / 254) * (high - low);
    const colour = 3 * Math.min(255, Math.max(0, Math.round((value - first) * perUnit)));
    bytes.set([table[colour], table[colour + 1], table[colour + 2], alpha], 4 * code);
  }
  return new Uint32Array(bytes.buffer);
}

/** For each frame the first point and the number of points of its lines. */
function drawnOffsets(drawn) {
  let start = 0;
  return (drawn?.counts ?? []).map((frame) =>
    frame.map((points) => {
      start += points;
      return [start - points, points];
    }),
  );
}

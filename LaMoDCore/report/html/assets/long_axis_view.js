"use strict";
// Draws one long-axis view on a canvas: cine, drawn contours, mid-wall line in the colour of its strain, landmarks.

const LINE_NAMES = ["endocardial", "mid_wall", "epicardial"];

class LongAxisView extends CineView {
  /**
   * @param {object} view its data; walls in the order of the lines, which run from the first wall over the apex.
   * @param {object} unpacked lines and annulus.
   */
  constructor(canvas, view, unpacked) {
    super(canvas, view);
    this.unpacked = unpacked;
  }

  /** The frame at a phase since end-diastole, a fraction of the cycle. */
  frameAt(phase) {
    const { phases, ed } = this.slice;
    let nearest = 0;
    let distance = Infinity;
    phases.forEach((each, frame) => {
      const apart = (((each - phases[ed] - phase) % 1) + 1) % 1;
      const away = Math.min(apart, 1 - apart);
      if (away < distance) [nearest, distance] = [frame, away];
    });
    return nearest;
  }

  /** @param {object} show `phase`, `drawn`, `labels`, and `colourOf` a strain in per cent. */
  draw(show) {
    const frame = this.frameAt(show.phase);
    const scale = this.begin(frame);
    const line = this.lineWidth(scale);
    const size = this.textSize(scale);
    if (show.drawn) {
      for (const name of ["endocardial", "epicardial"]) {
        this.stroke(this.path(name, frame), "#ffa02e", line, [3 * line, 2.5 * line]);
      }
    }
    this.drawMidWall(frame, show.colourOf, line);
    this.drawLandmarks(frame, size);
    if (show.labels) this.drawNames(frame, size);
  }

  path(name, frame, start = 0, points = this.slice.points) {
    const path = new Path2D();
    addLine(path, this.unpacked.lines[name], frame * this.slice.points + start, points, { isOpen: true });
    return path;
  }

  /** Each wall in one colour: a drawn line has no material points. */
  drawMidWall(frame, colourOf, line) {
    const { apex, points, walls } = this.slice;
    const halves = [[0, apex + 1], [apex, points - apex]];
    this.context.lineWidth = 4.2 * line;
    this.context.strokeStyle = "rgba(0, 0, 0, 0.6)";
    this.context.stroke(this.path("mid_wall", frame));
    this.context.lineWidth = 3 * line;
    halves.forEach(([start, count], half) => {
      this.context.strokeStyle = colourOf(walls[half].percent[frame]);
      this.context.stroke(this.path("mid_wall", frame, start, count));
    });
  }

  drawLandmarks(frame, size) {
    const { annulus, lines } = this.unpacked;
    for (const end of [0, 1]) this.drawDiamond(annulus.slice(4 * frame + 2 * end, 4 * frame + 2 * end + 2), size);
    const apex = 2 * (frame * this.slice.points + this.slice.apex);
    this.drawDot(lines.endocardial.slice(apex, apex + 2), size);
  }

  /** Name and strain of each wall in the upper corner of its side. */
  drawNames(frame, size) {
    const { context, slice } = this;
    if (slice.letters) this.drawLetters(slice.letters, size);
    const isSwapped = this.meanX(frame, 0) > this.meanX(frame, 1);
    context.font = `600 ${0.95 * size}px system-ui, sans-serif`;
    const texts = slice.walls.map(({ name, percent }) => `${name} ${signed(percent[frame] ?? NaN, 1)} %`);
    const widths = texts.map((text) => context.measureText(text).width + size);
    const areNarrow = widths[0] + widths[1] > slice.size_mm - 1.2 * size;
    slice.walls.forEach(({ colour }, half) => {
      const isLeft = (half === 0) !== isSwapped;
      const left = isLeft ? 0.4 * size : slice.size_mm - widths[half] - 0.4 * size;
      const top = (areNarrow && !isLeft ? 3.7 : 1.9) * size; // below the other one where both have no room in a row
      context.fillStyle = colour;
      context.beginPath();
      context.roundRect(left, top, widths[half], 1.6 * size, 0.4 * size);
      context.fill();
      context.fillStyle = "#ffffff";
      context.textAlign = "center";
      context.textBaseline = "middle";
      context.fillText(texts[half], left + widths[half] / 2, top + 0.82 * size);
    });
  }

  meanX(frame, half) {
    const { points, apex } = this.slice;
    const start = frame * points + (half ? apex : 0);
    let sum = 0;
    for (let point = start; point <= start + apex; point += 1) sum += this.unpacked.lines.epicardial[2 * point];
    return sum / (apex + 1);
  }
}

/** Everything that is packed in one view of the page's data. */
async function unpackedView(view, unit) {
  const lines = {};
  for (const name of LINE_NAMES) lines[name] = await movingLengths(view.lines[name], view.frames, unit);
  return { lines, annulus: await movingLengths(view.annulus, view.frames, unit) };
}

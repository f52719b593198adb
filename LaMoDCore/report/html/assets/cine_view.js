"use strict";
// What every picture of the heart has: the cine on a canvas, lines and letters on it, and a picture for paper.

const PRINTED_PIXELS = 720;
const LANDMARK_COLOUR = "#35e0c4";

/** A square of a cine. Lengths are mm from its upper left corner. */
class CineView {
  /** @param {object} slice `size_mm` of the square, and `picture` with all frames, or null. */
  constructor(canvas, slice) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d");
    this.slice = slice;
    this.isVisible = true;
    this.sheet = null;
  }

  /** Decode the cine. */
  async load() {
    if (!this.slice.picture) return;
    const sheet = new Image();
    sheet.src = `data:image/webp;base64,${this.slice.picture.webp}`;
    await sheet.decode();
    this.sheet = sheet;
  }

  /** Fit the canvas's pixels to its size on screen. */
  fit() {
    const side = Math.round(this.canvas.clientWidth * Math.min(devicePixelRatio || 1, 2));
    if (side > 0) this.resize(side);
  }

  resize(side) {
    if (this.canvas.width !== side) this.canvas.width = side;
    if (this.canvas.height !== side) this.canvas.height = side;
  }

  /** Put a picture of the slice behind the canvas, for paper. */
  addPicture(show) {
    this.resize(PRINTED_PIXELS);
    this.draw(show);
    addPrintedPicture(this.canvas, this.canvas);
  }

  /** Draw a frame of the cine, and let lengths be mm; returns the pixels per mm. */
  begin(frame) {
    const { context, canvas } = this;
    const scale = canvas.width / this.slice.size_mm;
    context.setTransform(1, 0, 0, 1, 0, 0);
    this.drawCine(frame);
    context.setTransform(scale, 0, 0, scale, 0, 0);
    context.lineJoin = "round";
    context.lineCap = "round";
    return scale;
  }

  drawCine(frame) {
    const { context, canvas, sheet, slice } = this;
    context.fillStyle = "#15191e";
    context.fillRect(0, 0, canvas.width, canvas.height);
    if (!sheet) return;
    const { tile, columns } = slice.picture;
    context.imageSmoothingEnabled = true;
    const x = (frame % columns) * tile;
    const y = Math.floor(frame / columns) * tile;
    context.drawImage(sheet, x, y, tile, tile, 0, 0, canvas.width, canvas.height);
  }

  lineWidth(scale) {
    return Math.max(1.2, this.canvas.width / 300) / scale;
  }

  textSize(scale) {
    return Math.max(9, Math.min(13, this.canvas.width / 30)) / scale;
  }

  /** A line with a dark edge, which is legible on any picture. */
  stroke(path, colour, width, dashes = []) {
    const { context } = this;
    context.setLineDash(dashes);
    context.lineWidth = width * 2;
    context.strokeStyle = "rgba(0, 0, 0, 0.45)";
    context.stroke(path);
    context.lineWidth = width;
    context.strokeStyle = colour;
    context.stroke(path);
    context.setLineDash([]);
  }

  /** The patient's directions at the edges. */
  drawLetters({ top, bottom, left, right }, size) {
    const { context, slice } = this;
    const side = slice.size_mm;
    const middle = side / 2;
    const inset = 0.9 * size;
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.font = `${size}px system-ui, sans-serif`;
    const places = [[top, middle, inset], [bottom, middle, side - inset], [left, 1.2 * inset, middle], [right, side - 1.2 * inset, middle]];
    for (const [letters, x, y] of places) this.outlinedText(letters, x, y, size);
  }

  outlinedText(text, x, y, size) {
    const { context } = this;
    context.lineWidth = 0.22 * size;
    context.strokeStyle = "rgba(0, 0, 0, 0.7)";
    context.strokeText(text, x, y);
    context.fillStyle = "#ffffff";
    context.fillText(text, x, y);
  }

  /** A landmark. */
  drawDiamond([x, y], size) {
    const reach = 0.45 * size;
    this.drawLandmark(polygon([[x, y - reach], [x + reach, y], [x, y + reach], [x - reach, y]]), size);
  }

  drawDot([x, y], size) {
    const path = new Path2D();
    path.arc(x, y, 0.4 * size, 0, 2 * Math.PI);
    this.drawLandmark(path, size);
  }

  drawLandmark(path, size) {
    const { context } = this;
    context.fillStyle = LANDMARK_COLOUR;
    context.fill(path);
    context.lineWidth = 0.1 * size;
    context.strokeStyle = "#10161c";
    context.stroke(path);
  }
}

function polygon(corners) {
  const path = new Path2D();
  addLine(path, corners.flat(), 0, corners.length);
  return path;
}

/** Add a line of points (x, y) to a path, closed or open. */
function addLine(path, values, start, points, { isOpen = false } = {}) {
  for (let point = start; point < start + points; point += 1) {
    if (point === start) path.moveTo(values[2 * point], values[2 * point + 1]);
    else path.lineTo(values[2 * point], values[2 * point + 1]);
  }
  if (!isOpen) path.closePath();
}

/** Put a picture of a canvas after an element; style sheets show it on paper only. */
function addPrintedPicture(element, canvas) {
  const picture = document.createElement("img");
  picture.className = "print-only";
  picture.alt = "";
  [picture.width, picture.height] = [canvas.width, canvas.height]; // the layout is measured before it is decoded
  picture.src = canvas.toDataURL();
  element.after(picture);
}

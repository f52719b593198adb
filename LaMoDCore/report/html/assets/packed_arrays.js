"use strict";
// Reads the arrays that packing.py writes: base64, deflated, little-endian.

/** Decode text to an array of the given type. */
async function unpacked(text, type) {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  const buffer = await new Response(stream).arrayBuffer();
  return type === Uint8Array ? new Uint8Array(buffer) : integers(buffer);
}

/** 16-bit integers in the order of this machine. */
function integers(buffer) {
  const view = new DataView(buffer);
  return Int16Array.from({ length: buffer.byteLength / 2 }, (_, index) => view.getInt16(2 * index, true));
}

/** Undo differences between consecutive frames of `size` values each, in place; the array's type wraps around. */
function summedOverFrames(values, size) {
  for (let index = size; index < values.length; index += 1) values[index] += values[index - size];
  return values;
}

/** Lengths in mm of integers in units of `unit`; the smallest integer is unknown. */
function lengths(values, unit) {
  return Float32Array.from(values, (value) => (value === -32768 ? NaN : value * unit));
}

/** Lengths in mm of all frames, which are stored as differences between frames. */
async function movingLengths(text, frames, unit) {
  const values = await unpacked(text, Int16Array);
  return lengths(summedOverFrames(values, values.length / frames), unit);
}

/** Everything that is packed in one slice of the page's data. */
async function unpackedSlice(slice, frames, unit) {
  const [columns, rows] = slice.overlay.size;
  const images = async (text) => summedOverFrames(await unpacked(text, Uint8Array), rows * columns);
  const codes = {};
  for (const [name, text] of Object.entries(slice.overlay.codes)) codes[name] = await images(text);
  const moving = (text) => movingLengths(text, frames, unit);
  return {
    codes,
    segment: await images(slice.overlay.segment),
    predicted: await Promise.all(slice.predicted.map((line) => moving(line.packed))),
    arrowsFrom: lengths(await unpacked(slice.arrows.from, Int16Array), unit),
    arrowsMotion: await moving(slice.arrows.motion),
    drawn: slice.drawn ? lengths(await unpacked(slice.drawn.packed, Int16Array), unit) : null,
  };
}

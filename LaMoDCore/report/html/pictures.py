"""The cine of a slice as one WebP image that holds all frames side by side."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass

import numpy as np
from PIL import Image

from LaMoDCore.heart.geometry import Array
from LaMoDCore.report.html.view import View

_QUALITY = 80
#: Effort of the encoder, 0 to 6: higher values take several times as long for files that are hardly smaller.
_EFFORT = 2
#: Width and height of one frame, pixels.
_SMALLEST_TILE, _LARGEST_TILE = 96, 224
#: Pixels of all frames and slices of a page; an eighth to a fifth of a byte each.
_MOST_PIXELS = 9_000_000
#: Pixels of the page per pixel of the cine, so that its interpolation is that of Pillow and not of the browser.
_FINER = 1.5


@dataclass(frozen=True)
class Pictures:
    """All frames of one slice.

    Attributes:
        webp: the image in base64, row by row from the upper left.
        tile: width and height of a frame in pixels.
        columns: number of frames in a row.
    """

    webp: str
    tile: int
    columns: int


def tile_size(view: View, images: int) -> int:
    """Width and height in pixels of one frame, for a page of `images` frames over all slices."""
    wanted = _FINER * 2 * view.half_mm / min(view.grid.spacing_mm)
    most = np.sqrt(_MOST_PIXELS / max(images, 1))
    return int(np.clip(min(wanted, most), _SMALLEST_TILE, _LARGEST_TILE))


def cine_pictures(cine: Array, view: View, tile: int) -> Pictures:
    """Crop, resample and compress a cine [T, H, W]; its grey scale is the same in every frame."""
    frames = view_frames(cine, view, tile)
    per_row = int(np.ceil(np.sqrt(len(frames))))
    sheet = Image.new("L", (per_row * tile, int(np.ceil(len(frames) / per_row)) * tile))
    for number, frame in enumerate(frames):
        sheet.paste(Image.fromarray(frame), (number % per_row * tile, number // per_row * tile))
    return Pictures(base64.b64encode(webp(sheet)).decode(), tile, per_row)


def view_frames(cine: Array, view: View, tile: int) -> Array:
    """The view of a cine [T, H, W] as grey images uint8 [T, tile, tile]; black beyond the edge of the cine."""
    left, top, right, bottom = view.box_px()
    height, width = cine.shape[1:]
    before = (int(np.ceil(max(0.0, -top))), int(np.ceil(max(0.0, -left))))
    after = (int(np.ceil(max(0.0, bottom - height))), int(np.ceil(max(0.0, right - width))))
    rows = slice(max(0, int(top) - 1), min(height, int(np.ceil(bottom)) + 1))
    columns = slice(max(0, int(left) - 1), min(width, int(np.ceil(right)) + 1))
    seen = cine[:, rows, columns]
    finite = seen[np.isfinite(seen)]
    low, high = np.percentile(finite, [1, 99.5]) if finite.size else (0.0, 1.0)
    scale = 255.0 / max(float(high - low) * 1.05, 1e-6)
    grey = np.clip((np.nan_to_num(cine, nan=low, posinf=high, neginf=low) - low) * scale, 0, 255)
    padded = np.pad(grey.astype(np.float32), ((0, 0), (before[0], after[0]), (before[1], after[1])))
    box = (left + before[1], top + before[0], right + before[1], bottom + before[0])
    fine = [Image.fromarray(frame).resize((tile, tile), Image.Resampling.BICUBIC, box=box) for frame in padded]
    frames = np.clip(np.stack([np.asarray(frame) for frame in fine]), 0, 255).astype(np.uint8)
    return np.asarray(frames[:, :, ::-1] if view.is_mirrored else frames)


def webp(picture: Image.Image) -> bytes:
    """A picture as a WebP file."""
    file = io.BytesIO()
    picture.save(file, "WEBP", quality=_QUALITY, method=_EFFORT)
    return file.getvalue()

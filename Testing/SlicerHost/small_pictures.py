"""Make PNG pictures small enough for the repository: `python -m Testing.SlicerHost.small_pictures FOLDER`.

The noise of images of a heart takes most of their space.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from PIL import Image
from scipy.spatial import cKDTree

#: Largest size of a picture in the repository, bytes.
MOST_BYTES = 250_000
#: Largest difference between red, green and blue of a grey.
GREYEST = 10
#: Colours of a palette: frequent greys and colours that are kept exactly, further greys; the rest are means of others.
EXACT_GREYS, EXACT_COLOURS, GREYS = 12, 80, 56
#: Shares of the width that are tried.
WIDTHS = (1.0, 0.85, 0.7, 0.6)


def make_small(path: Path) -> None:
    """Reduce a picture to 256 colours without dithering, and its width while it is still too large.

    Raises:
        ValueError: it cannot be made small enough.
    """
    with Image.open(path) as opened:
        picture = opened.convert("RGB")
        if opened.mode == "P" and path.stat().st_size <= MOST_BYTES:
            return
    for share in WIDTHS:
        size = (round(share * picture.width), round(share * picture.height))
        smaller = picture if share == 1.0 else picture.resize(size, Image.Resampling.LANCZOS)
        _reduced(smaller).save(path, optimize=True)
        if path.stat().st_size <= MOST_BYTES:
            return
    raise ValueError(f"{path} is larger than {MOST_BYTES} bytes")


def _reduced(picture: Image.Image) -> Image.Image:
    """The picture in 256 colours: those of its widgets and lines exactly, and as many of its scales as fit.

    Of the others, each counts once: colour bars have few pixels.
    """
    pixels = np.asarray(picture).reshape(-1, 3)
    colours, places, counts = np.unique(pixels, axis=0, return_inverse=True, return_counts=True)
    frequent = colours[np.argsort(-counts, kind="stable")]
    is_grey = np.ptp(frequent.astype(int), axis=1) <= GREYEST
    shades = np.repeat(np.linspace(0, 255, GREYS).round().astype(np.uint8)[:, None], 3, axis=1)
    palette = np.concatenate([frequent[is_grey][:EXACT_GREYS], frequent[~is_grey][:EXACT_COLOURS], shades])
    others = frequent[~is_grey][EXACT_COLOURS:]
    if len(others):
        found = Image.fromarray(others[None]).quantize(256 - len(palette), method=Image.Quantize.MEDIANCUT, kmeans=3)
        palette = np.concatenate([palette, np.array(found.getpalette(), np.uint8).reshape(-1, 3)])[:256]
    nearest = cKDTree(palette).query(colours)[1].astype(np.uint8)
    reduced = Image.fromarray(nearest[places.ravel()].reshape(picture.height, picture.width), "P")
    reduced.putpalette(palette.ravel().tolist())
    return reduced


def main() -> int:
    for path in sorted(Path(sys.argv[1]).glob("*.png")):
        make_small(path)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

"""Make PNG pictures small enough for the repository: `python -m Testing.SlicerHost.small_pictures FOLDER`.

A screenshot with images of a heart has many shades of grey, which 256 colours represent well.
"""

from __future__ import annotations

import sys
from pathlib import Path

from PIL import Image

#: Largest size of a picture in the repository, bytes.
MOST_BYTES = 250_000


def make_small(path: Path) -> None:
    """Reduce a picture to 256 colours without dithering, and its width while it is still too large.

    Raises:
        ValueError: it cannot be made small enough.
    """
    with Image.open(path) as opened:
        picture = opened.convert("RGB")
        if opened.mode == "P" and path.stat().st_size <= MOST_BYTES:
            return
    for share in (1.0, 0.85, 0.7, 0.6):
        size = (round(share * picture.width), round(share * picture.height))
        smaller = picture if share == 1.0 else picture.resize(size, Image.Resampling.LANCZOS)
        reduced = smaller.quantize(256, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
        reduced.save(path, optimize=True)
        if path.stat().st_size <= MOST_BYTES:
            return
    raise ValueError(f"{path} is larger than {MOST_BYTES} bytes")


def main() -> int:
    for path in sorted(Path(sys.argv[1]).glob("*.png")):
        make_small(path)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

"""The size of compressed DICOM images, read before a decoder allocates memory for them.

The header of a JPEG, JPEG-LS or JPEG 2000 image has a size of its own, which decoders trust. Run lengths (RLE) expand
at most 64 times.
"""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from LaMoDCore.io.dicom.header import integer
from LaMoDCore.runtime.bounded_reads import damaged

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

_JPEG, _JPEG_2000 = b"\xff\xd8", b"\xff\x4f\xff\x51"
#: Start-of-frame markers of JPEG and JPEG-LS, which hold the size.
_FRAME_MARKERS = {*range(0xC0, 0xD0), 0xF7} - {0xC4, 0xC8, 0xCC}
#: Markers without a length.
_BARE_MARKERS = {0x01, *range(0xD0, 0xDA)}
_LARGEST_HEADER = 1 << 16


def check_compressed_frames(dataset: Dataset, file: Path) -> None:
    """Compare the size in every compressed frame with Rows and Columns.

    Raises:
        LaMoDInputError: they differ, or run lengths are longer than any image of that size.
    """
    from pydicom.encaps import generate_frames
    from pydicom.uid import RLELossless

    rows, columns = integer(dataset.get("Rows")) or 0, integer(dataset.get("Columns")) or 0
    count = max(1, integer(dataset.get("NumberOfFrames")) or 1)
    stored = rows * columns * max(1, (integer(dataset.get("BitsAllocated")) or 8) // 8)
    run_lengths = dataset.file_meta.TransferSyntaxUID == RLELossless
    for frame in islice(generate_frames(dataset.PixelData, number_of_frames=count), count):
        if run_lengths:
            if len(frame) > 2 * stored + 1024:
                raise damaged(file, f"its compressed image has {len(frame)} bytes, but should have at most {stored}")
            continue
        size = size_of(frame)
        if size is not None and size != (rows, columns) and 0 not in size:
            raise damaged(file, f"its compressed image is {size}, but its header specifies {(rows, columns)}")


def size_of(frame: bytes) -> tuple[int, int] | None:
    """(rows, columns) in the header of a compressed image; None if it has another format."""
    start = frame.find(_JPEG_2000, 0, _LARGEST_HEADER)
    if start >= 0 and len(frame) >= start + 24:
        right, lower, left, upper = (int.from_bytes(frame[k : k + 4], "big") for k in range(start + 8, start + 24, 4))
        return lower - upper, right - left
    if not frame.startswith(_JPEG):
        return None
    place = 2
    while place + 9 <= len(frame) and place < _LARGEST_HEADER:
        if frame[place] != 0xFF:
            return None
        marker = frame[place + 1]
        if marker in _FRAME_MARKERS:
            return int.from_bytes(frame[place + 5 : place + 7], "big"), int.from_bytes(
                frame[place + 7 : place + 9], "big"
            )
        fill = marker == 0xFF
        bare = marker in _BARE_MARKERS
        place += 1 if fill else 2 if bare else 2 + int.from_bytes(frame[place + 2 : place + 4], "big")
    return None

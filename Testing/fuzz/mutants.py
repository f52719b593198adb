"""Corrupt files: valid inputs of every format with mutated headers and bytes, the same for the same seed."""

from __future__ import annotations

import random
import struct
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "Core" / "io"))

import heart_files as heart

SHAPE, FRAMES = (30, 32), 10
AFFINE = heart.stack_affine(SHAPE, (4.0, 4.0), slices=1)
LABELS = heart.heart_labels(AFFINE, SHAPE, slices=1, frames=FRAMES)

#: Every supported format: name of the file or folder, and its writer.
SEEDS = {
    "heart.nii": heart.write_nifti,
    "heart.nii.gz": lambda p, f, a: heart.sitk.WriteImage(heart.itk_image(f, a), str(p)),
    "heart.nrrd": heart.write_nrrd_4d,
    "heart.seq.nrrd": heart.write_sequence,
    "heart.mha": lambda p, f, a: heart.sitk.WriteImage(heart.itk_image(f, a), str(p)),
    "volumes": lambda p, f, a: heart.write_folder(p, f, a, ".nii"),
    "dicom": heart.write_dicom_frames,
    "seg.dcm": heart.write_seg,
    "enhanced.dcm": heart.write_enhanced,
}

_EXTREMES = (0, 1, -1, 2, 7, 255, 2**15 - 1, -(2**15), 2**16 - 1, 2**31 - 1, -(2**31))
_FLOATS = (0.0, -0.0, 1.0, -1.0, 1e-30, 1e30, float("nan"), float("inf"), float("-inf"))
_WORDS = (b"0", b"-1", b"1", b"nan", b"inf", b"99999999999", b"1e300", b"\xff\xfe", b"none", b"", b"(0,0,0)")


@dataclass(frozen=True)
class Mutant:
    """One mutated file or folder."""

    number: int
    seed_name: str
    change: str
    path: Path


def write_seeds(folder: Path) -> dict[str, Path]:
    """Write the valid files, one per format."""
    paths = {}
    for name, write in SEEDS.items():
        write(folder / name, LABELS, AFFINE)
        paths[name] = folder / name
    return paths


def mutants(seeds: dict[str, Path], folder: Path, *, seed: int = 0, count: int | None = None) -> Iterator[Mutant]:
    """Write mutants into ``folder`` one after the other; number n of a seed always has the same bytes."""
    names = sorted(seeds)
    number = 0
    while count is None or number < count:
        rng = random.Random(f"{seed}/{number}")
        name = names[number % len(names)]
        source = seeds[name]
        target = folder / f"{number}" / name
        target.parent.mkdir()
        if source.is_dir():
            target.mkdir()
            files = sorted(source.iterdir())
            victim = rng.choice(files)
            for file in files:
                data = file.read_bytes()
                if file == victim:
                    data, change = mutate(data, rng)
                (target / file.name).write_bytes(data)
        else:
            data, change = mutate(source.read_bytes(), rng)
            target.write_bytes(data)
        yield Mutant(number, name, change, target)
        number += 1


def mutate(data: bytes, rng: random.Random) -> tuple[bytes, str]:
    """The data after one to four changes, most of them in the header, and a description of the changes."""
    changed = bytearray(data)
    done = []
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        if not changed:
            break
        done.append(_change(changed, rng))
    return bytes(changed), ", ".join(done)


def _change(data: bytearray, rng: random.Random) -> str:
    end = len(data) if rng.random() < 0.25 else min(len(data), 720)
    at = rng.randrange(end)
    kind = rng.choice(("bit", "byte", "integer", "float", "word", "cut", "insert", "repeat", "digit", "digit"))
    if kind == "bit":
        data[at] ^= 1 << rng.randrange(8)
    elif kind == "byte":
        data[at] = rng.choice((0, 1, 0x20, 0x2D, 0x7F, 0x80, 0xFF))
    elif kind == "integer":
        fmt = rng.choice(("<h", "<i", ">h", ">i"))
        at -= at % 2
        value = rng.choice(_EXTREMES)
        bits = 8 * struct.calcsize(fmt)
        value = (value + 2 ** (bits - 1)) % 2**bits - 2 ** (bits - 1)
        data[at : at + bits // 8] = struct.pack(fmt, value)
    elif kind == "float":
        at -= at % 4
        data[at : at + 4] = struct.pack(rng.choice(("<f", ">f")), rng.choice(_FLOATS))
    elif kind == "word":
        data[at : at + rng.randrange(1, 9)] = rng.choice(_WORDS)
    elif kind == "cut":
        del data[at : len(data) if rng.random() < 0.5 else at + rng.randrange(1, 64)]
    elif kind == "insert":
        data[at:at] = rng.randbytes(rng.randrange(1, 40))
    elif kind == "repeat":
        data[at:at] = data[at : at + rng.randrange(1, 200)]
    else:
        digits = [i for i in range(end) if 0x30 <= data[i] <= 0x39]
        if digits:
            at = rng.choice(digits)
            data[at] = rng.choice(b"0123456789-.")
    return f"{kind} at {at}"

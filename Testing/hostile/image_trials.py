"""NIfTI, NRRD and MetaImage files with absurd headers, bombs, damaged data and random changes."""

from __future__ import annotations

import gzip
import random
import shutil
import struct
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from bombs import gzip_zeros
from trial import Trial

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "fuzz"))

from mutants import mutate

_OUT = ("out",)
#: Commands that read masks; {} is the input.
READERS: dict[str, tuple[str, ...]] = {
    "info": ("info", "{}"),
    "check": ("check", "{}", "--no-strain", "--progress", "none"),
    "predict": ("predict", "{}", "--out", "out", "--model", "model", "--no-report", "--no-diffusion", "--progress", "none"),
    "cine": ("check", "heart.nii", "--cine", "{}", "--no-strain", "--progress", "none"),
}  # fmt: skip


def words_of(reader: str, name: str) -> tuple[str, ...]:
    return tuple(word.replace("{}", name) for word in READERS[reader])


def with_model(folder: Path, valid: Path) -> None:
    shutil.copytree(valid / "model", folder / "model")
    shutil.copy(valid / "heart.nii", folder / "heart.nii")


def trials(valid: Path) -> Iterator[Trial]:
    yield from _headers()
    yield from _bombs()
    yield from _mutants()


def _file(
    name: str, make: Callable[[Path, random.Random], bytes], folder: Path, valid: Path, rng: random.Random
) -> None:
    with_model(folder, valid)
    (folder / name).write_bytes(make(valid, rng))


def _trials_of(kind: str, name: str, file: str, make: Callable[[Path, random.Random], bytes], quick: bool = False,
               codes: tuple[int, ...] = (1,)) -> Iterator[Trial]:  # fmt: skip
    for reader in ("info", "check", "predict"):
        allowed = (0, 1) if reader == "info" and codes == (1,) else codes
        words = words_of(reader, file)
        yield Trial(
            kind,
            f"{name}, {reader}",
            words,
            partial(_file, file, make),
            allowed,
            _OUT,
            quick=quick and reader != "info",
        )


def nifti(
    valid: Path, rng: random.Random, *, dim=None, datatype=None, pixdim=None, offset=None, body=None, tail=b""
) -> bytes:
    """The valid NIfTI with changed header fields, and other voxels."""
    data = bytearray((valid / "heart.nii").read_bytes())
    if dim is not None:
        struct.pack_into("<8h", data, 40, *dim)
    if datatype is not None:
        struct.pack_into("<2h", data, 70, *datatype)
    if pixdim is not None:
        struct.pack_into("<8f", data, 76, *pixdim)
    if offset is not None:
        struct.pack_into("<f", data, 108, offset)
    return bytes(data[:352] if body is not None else data) + (body or b"") + tail


def nrrd(valid: Path, rng: random.Random, *, fields: dict[str, str] | None = None, extra: bytes = b"", body: bytes = b"",
         drop: tuple[str, ...] = ()) -> bytes:  # fmt: skip
    """A small NRRD with changed fields, lines before the empty line, and a body."""
    stored = {
        "type": "uint8", "dimension": "4", "space": "left-posterior-superior", "sizes": "32 30 1 12",
        "space directions": "(4,0,0) (0,4,0) (0,0,8) none", "kinds": "domain domain domain list", "endian": "little",
        "encoding": "raw", "space origin": "(0,0,0)",
    } | (fields or {})  # fmt: skip
    lines = [f"{name}: {value}".encode("latin-1") for name, value in stored.items() if name not in drop]
    return b"\n".join([b"NRRD0005", *lines]) + b"\n" + extra + b"\n" + body


def meta(valid: Path, rng: random.Random, *, fields: dict[str, str] | None = None, body: bytes = b"") -> bytes:
    stored = {
        "ObjectType": "Image", "NDims": "4", "BinaryData": "True", "BinaryDataByteOrderMSB": "False",
        "CompressedData": "False", "ElementSpacing": "4 4 8 66", "DimSize": "32 30 1 12", "ElementType": "MET_UCHAR",
    } | (fields or {})  # fmt: skip
    last = stored.pop("ElementDataFile", "LOCAL")
    return "".join(f"{k} = {v}\n" for k, v in {**stored, "ElementDataFile": last}.items()).encode("latin-1") + body


def _headers() -> Iterator[Trial]:
    huge = (4, 32767, 32767, 32767, 32767, 1, 1, 1)
    changes = {
        "dims whose product overflows": {"dim": huge},
        "dims beyond the file": {"dim": (4, 512, 512, 30, 30, 1, 1, 1)},
        "negative dims": {"dim": (4, -5, 30, 1, 12, 1, 1, 1)},
        "zero dims": {"dim": (4, 32, 0, 1, 12, 1, 1, 1)},
        "no axes": {"dim": (0, 0, 0, 0, 0, 0, 0, 0)},
        "seven axes": {"dim": (7, 2, 2, 2, 2, 2, 2, 2)},
        "complex voxels": {"datatype": (32, 64)},
        "colour voxels": {"datatype": (128, 24)},
        "offset beyond the file": {"offset": 1e7},
        "offset that is not finite": {"offset": float("nan")},
        "negative offset": {"offset": -352.0},
        "spacing that is not finite": {"pixdim": (1, float("nan"), float("inf"), 8, 66, 0, 0, 0)},
        "no spacing": {"pixdim": (1, 0, 0, 0, 0, 0, 0, 0)},
        "time step of 1e30": {"pixdim": (1, 4, 4, 8, 1e30, 0, 0, 0)},
        "no voxels": {"body": b""},
        "all zero": {"body": bytes(32 * 30 * 12)},
        "all one": {"body": b"\1" * (32 * 30 * 12)},
        "noise": {"body": random.Random(1).randbytes(32 * 30 * 12)},
    }
    for name, change in changes.items():
        codes = (0, 1, 3) if "spacing" in name or "time step" in name or name == "all one" else (1,)
        yield from _trials_of(
            "NIfTI header", name, "x.nii", partial(nifti, **change), quick="overflows" in name, codes=codes
        )
    voxels = bytes(32 * 30 * 12)
    for name, make in {
        "sizes of 4000 digits": partial(nrrd, fields={"sizes": f"{'9' * 4000} 30 1 12"}),
        "sizes of 5000 digits": partial(nrrd, fields={"sizes": f"{'9' * 5000} 30 1 12"}),
        "sizes whose product overflows": partial(nrrd, fields={"sizes": "4294967296 4294967296 4294967296 4294967296"}),
        "sizes beyond the file": partial(nrrd, fields={"sizes": "512 512 12 300"}),
        "negative sizes": partial(nrrd, fields={"sizes": "-32 30 1 12"}, body=voxels),
        "sizes that are not numbers": partial(nrrd, fields={"sizes": "a b c d"}),
        "dimension of 4000 digits": partial(nrrd, fields={"dimension": "4" * 4000}),
        "dimension 16": partial(nrrd, fields={"dimension": "16", "sizes": " ".join("2" * 16)}, body=bytes(1 << 16)),
        "type block": partial(nrrd, fields={"type": "block"}),
        "no type": partial(nrrd, drop=("type",)),
        "encoding of rockets": partial(nrrd, fields={"encoding": "rockets"}, body=voxels),
        "line of a megabyte": partial(nrrd, extra=b"content: " + b"x" * (1 << 20) + b"\n", body=voxels),
        "label of a megabyte without an end": partial(nrrd, fields={"labels": '"' + '\\"' * 500_000}, body=voxels),
        "unit of quotes": partial(nrrd, fields={"units": '"\\' * 400_000}, body=voxels),
        "directions of brackets": partial(nrrd, fields={"space directions": "(" * 900_000}, body=voxels),
        "directions with nothing in them": partial(nrrd, fields={"space directions": "() () () none"}, body=voxels),
        "directions that are not finite": partial(nrrd, fields={"space directions": "(inf,0,0) (0,nan,0) (0,0,1) none"}, body=voxels),
        "directions of zero": partial(nrrd, fields={"space directions": "(0,0,0) (0,0,0) (0,0,0) none"}, body=voxels),
        "50000 fields": partial(nrrd, extra=b"".join(b"f%d: v\n" % n for n in range(50_000)), body=voxels),
        "50000 pairs": partial(nrrd, extra=b"".join(b"k%d:=v\n" % n for n in range(50_000)), body=voxels),
        "pairs of colons": partial(nrrd, extra=b":" * 900_000 + b"\n", body=voxels),
        "line skip": partial(nrrd, fields={"line skip": "1000000"}, body=b"\n" * (1 << 20)),
        "negative skips": partial(nrrd, fields={"line skip": "-5", "byte skip": "-7"}, body=voxels),
        "byte skip of 4000 digits": partial(nrrd, fields={"byte skip": "9" * 4000}, body=voxels),
        "data in /dev/zero": partial(nrrd, fields={"data file": "/dev/zero"}),
        "data in a list": partial(nrrd, fields={"data file": "LIST"}, body=b"a\nb\n"),
        "data in a pattern": partial(nrrd, fields={"data file": "x%04d.raw 1 99999999 1"}),
        "data in itself": partial(nrrd, fields={"data file": "x.nrrd"}),
        "text": partial(nrrd, fields={"encoding": "ascii", "sizes": "9999 9999 10 10"}, body=b"1 " * 1000),
        "text that is not numbers": partial(nrrd, fields={"encoding": "ascii"}, body=b"one two " * 9000),
        "header without an end": lambda valid, rng: b"NRRD0005\ntype: uint8\n" + b"x: y\n" * 300_000,
        "only the magic": lambda valid, rng: b"NRRD0005",
        "index values of a megabyte": partial(nrrd, extra=b"axis 3 index type:=numeric\naxis 3 index values:=" + b"1 " * 450_000 + b"\n", body=voxels),
        "index values that are not finite": partial(nrrd, extra=b"axis 3 index values:=" + b"nan " * 12 + b"\n", body=voxels),
        "index value of 5000 digits": partial(nrrd, extra=b"axis 3 index values:=" + b"9" * 5000 + b" 1" * 11 + b"\n", body=voxels),
        "contour origin of deep lists": partial(nrrd, extra=b"contour origin:=" + b"[" * 100_000 + b"\n", body=b"\1" * len(voxels)),
        "label meaning of nonsense": partial(nrrd, extra=b"label meaning:=myo=" + b"9" * 5000 + b"\n", body=b"\1" * len(voxels)),
        "segments without a layer": partial(nrrd, extra=b"Segment0_ID:=a\nSegment0_Layer:=" + b"9" * 5000 + b"\nSegment0_Extent:=a b\n", body=b"\1" * len(voxels)),
    }.items():  # fmt: skip
        codes = (
            (0, 1, 3)
            if any(
                w in name
                for w in ("megabyte", "unit", "50000", "colons", "skip", "meaning", "origin", "directions", "segments")
            )
            else (1,)
        )
        quick = name in ("sizes of 4000 digits", "label of a megabyte without an end", "line skip", "data in /dev/zero")
        yield from _trials_of("NRRD header", name, "x.nrrd", make, quick=quick, codes=codes)
    for name, fields in {
        "sizes of 4000 digits": {"DimSize": f"{'9' * 4000} 30 1 12"},
        "sizes whose product overflows": {"DimSize": "4294967296 4294967296 4294967296 4294967296"},
        "negative sizes": {"DimSize": "-1 30 1 12"},
        "five sizes for four axes": {"DimSize": "1 2 3 4 5"},
        "channels of 4000 digits": {"ElementNumberOfChannels": "3" * 4000},
        "spacing that is not finite": {"ElementSpacing": "nan inf 8 66"},
        "one spacing": {"ElementSpacing": "4"},
        "matrix of text": {"TransformMatrix": "a b c d"},
        "matrix of zeros": {"TransformMatrix": " ".join("0" * 16)},
        "data in /dev/zero": {"ElementDataFile": "/dev/zero"},
        "data in another folder": {"ElementDataFile": "../../etc/passwd"},
        "data in a list": {"ElementDataFile": "LIST"},
        "line of a megabyte": {"Comment": "x" * (1 << 20)},
    }.items():
        codes = (0, 1, 3) if "spacing" in name or "matrix" in name else (1,)
        yield from _trials_of("MetaImage header", name, "x.mha", partial(meta, fields=fields, body=voxels), codes=codes)


def _bombs() -> Iterator[Trial]:
    def big_nifti(dim: tuple[int, ...], megabytes: int, valid: Path, rng: random.Random) -> bytes:
        head = gzip.compress(nifti(valid, rng, dim=dim, body=b""), mtime=0)
        return head + gzip_zeros(megabytes)

    def members(count: int, valid: Path, rng: random.Random) -> bytes:
        return gzip.compress(nifti(valid, rng, body=b""), mtime=0) + gzip.compress(b"", mtime=0) * count

    def one_byte_members(valid: Path, rng: random.Random) -> bytes:
        data = (valid / "heart.nii").read_bytes()
        return b"".join(gzip.compress(data[k : k + 1], 1, mtime=0) for k in range(len(data)))

    def nested(valid: Path, rng: random.Random) -> bytes:
        return gzip.compress(gzip.compress((valid / "heart.nii").read_bytes()))

    def nrrd_bomb(encoding: str, sizes: str, valid: Path, rng: random.Random) -> bytes:
        import bz2

        body = gzip_zeros(900) if encoding == "gzip" else bz2.compress(bytes(1 << 26))
        return nrrd(valid, rng, fields={"encoding": encoding, "sizes": sizes}, body=body)

    for name, file, make, codes in (
        ("3 GB of zeros in 3 MB", "x.nii.gz", partial(big_nifti, (4, 32, 30, 1, 12, 1, 1, 1), 600), (1,)),
        ("header of 1 TB", "x.nii.gz", partial(big_nifti, (4, 10000, 10000, 100, 100, 1, 1, 1), 10), (1,)),
        ("header of 900 MB, as many zeros", "x.nii.gz", partial(big_nifti, (4, 1000, 900, 100, 10, 1, 1, 1), 900), (1,)),
        ("header of 900 MB, few bytes", "x.nii.gz", partial(big_nifti, (4, 1000, 900, 100, 10, 1, 1, 1), 1), (1,)),
        ("2 million empty members", "x.nii.gz", partial(members, 2_000_000), (1,)),
        ("one byte per member", "x.nii.gz", one_byte_members, (0, 1, 3)),
        ("gzip in gzip", "x.nii.gz", nested, (1,)),
        ("NRRD of 900 MB", "x.nrrd", partial(nrrd_bomb, "gzip", "1000 900 100 10"), (1,)),
        ("NRRD of 64 MB in bzip2", "x.nrrd", partial(nrrd_bomb, "bzip2", "1024 1024 64 1"), (1,)),
        ("NRRD that holds more than its header", "x.nrrd", partial(nrrd_bomb, "gzip", "32 30 1 12"), (1,)),
    ):  # fmt: skip
        yield from _trials_of(
            "compressed image", name, file, make, quick="members" in name or "few bytes" in name, codes=codes
        )


def _mutants() -> Iterator[Trial]:
    names = ("heart.nii", "heart.nii.gz", "heart.nrrd", "heart.seq.nrrd", "heart.mha")

    def changed(name: str, valid: Path, rng: random.Random) -> bytes:
        return mutate((valid / name).read_bytes(), rng)[0]

    for number in range(75):
        file = names[number % len(names)]
        reader = ("info", "check", "predict", "cine")[number % 4]
        name = f"{number} of {file}, {reader}"
        prepare = partial(_file, f"x-{file}", partial(changed, file))
        yield Trial(
            "changed image", name, words_of(reader, f"x-{file}"), prepare, (0, 1, 3), _OUT, quick=number % 15 == 0
        )

"""Compressed zeros, made quickly: one compressed mebibyte, repeated."""

from __future__ import annotations

import struct
import zlib
from functools import cache
from pathlib import Path

_MIB = 1 << 20


@cache
def _block() -> bytes:
    packer = zlib.compressobj(9, wbits=-15)
    return packer.compress(bytes(_MIB)) + packer.flush(zlib.Z_FULL_FLUSH)


def raw_zeros(megabytes: int, before: bytes = b"") -> bytes:
    """A raw deflate stream of some bytes and zeros."""
    packer = zlib.compressobj(9, wbits=-15)
    return packer.compress(before) + packer.flush(zlib.Z_FULL_FLUSH) + _block() * megabytes + b"\x03\x00"


@cache
def gzip_zeros(megabytes: int) -> bytes:
    """A gzip member of zeros."""
    check, zeros = 0, bytes(_MIB)
    for _ in range(megabytes):
        check = zlib.crc32(zeros, check)
    tail = struct.pack("<II", check, (megabytes * _MIB) & 0xFFFFFFFF)
    return b"\x1f\x8b\x08" + bytes(6) + b"\xff" + raw_zeros(megabytes) + tail


def zlib_zeros(megabytes: int, before: bytes) -> bytes:
    """A zlib stream of some bytes and zeros."""
    check, zeros = zlib.adler32(before), bytes(_MIB)
    for _ in range(megabytes):
        check = zlib.adler32(zeros, check)
    return b"\x78\xda" + raw_zeros(megabytes, before) + struct.pack(">I", check)


def zip_of_zeros(path: Path, members: dict[str, tuple[bytes, int]], more: dict[str, bytes] | None = None) -> None:
    """Write an archive whose members are some bytes and mebibytes of zeros, and further members."""
    listing, content = [], []
    place = 0
    everything = {**members, **{name: (data, 0) for name, data in (more or {}).items()}}
    for name, (before, megabytes) in everything.items():
        check, zeros = zlib.crc32(before), bytes(_MIB)
        for _ in range(megabytes):
            check = zlib.crc32(zeros, check)
        packed, size = raw_zeros(megabytes, before), len(before) + megabytes * _MIB
        head = struct.pack("<HHHHHIIIHH", 20, 0, 8, 0, 33, check, len(packed), min(size, 0xFFFFFFFE), len(name), 0)
        content += [b"PK\x03\x04" + head + name.encode() + packed]
        listing += [b"PK\x01\x02\x14\x00" + head + struct.pack("<HHHII", 0, 0, 0, 0, place) + name.encode()]
        place += len(content[-1])
    directory = b"".join(listing)
    end = struct.pack("<HHHHIIH", 0, 0, len(listing), len(listing), len(directory), place, 0)
    path.write_bytes(b"".join([*content, directory, b"PK\x05\x06", end]))

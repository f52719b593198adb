"""Reads are bounded: kinds of files, compressed data, numbers and JSON."""

import gzip
import json
import os
import sys
import zlib
from pathlib import Path

import pytest

from LaMoDCore.runtime.bounded_reads import (
    MAX_BYTES,
    check_size,
    inflate,
    inflated_size,
    is_regular,
    read_file,
    small_integer,
)
from LaMoDCore.runtime.errors import LaMoDInputError
from LaMoDCore.runtime.json_file import json_object_if_any, parse_json, read_json, write_json

HERE = Path("x")


def test_inflate_reads_gzip_zlib_and_several_members():
    data = bytes(range(256)) * 400
    assert inflate(gzip.compress(data), len(data), HERE) == data
    assert inflate(zlib.compress(data), len(data) - 7, HERE) == data[:-7]
    members = b"".join(gzip.compress(data[k : k + 777]) for k in range(0, len(data), 777))
    assert inflate(members, len(data), HERE) == data
    assert inflate(gzip.compress(b"") * 5000 + gzip.compress(b"abc"), 3, HERE) == b"abc"


@pytest.mark.parametrize(
    ("data", "expected", "reason"),
    [
        (gzip.compress(b"abc"), 4, "there are 3"),
        (gzip.compress(b"abc"), MAX_BYTES, "truncated or its header is wrong"),
        (gzip.compress(b"") * 100_001, 3, "compressed parts"),
        (gzip.compress(bytes(10_000))[:15] + b"xxxx", 10_000, "damaged"),
    ],
    ids=["short", "whole", "members", "damaged"],
)
def test_inflate_refuses(data, expected, reason):
    with pytest.raises(LaMoDInputError, match=reason):
        inflate(data, expected, HERE)


def test_inflated_size_stops_counting():
    data = zlib.compress(bytes(1 << 24))
    assert inflated_size(data, 1 << 30) == 1 << 24
    assert 1 << 20 < inflated_size(data, 1 << 20) <= 1 << 22


def test_a_size_of_4000_digits_is_refused_in_words():
    with pytest.raises(LaMoDInputError, match="far more than"):
        check_size(HERE, 10**4000)
    with pytest.raises(ValueError, match="4000 digits"):
        small_integer("9" * 4000)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes in folders")
def test_only_regular_files_are_opened(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("/dev/zero")
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "empty").touch()
    for name, word in (
        ("pipe", "a pipe"),
        ("link", "a device"),
        (".", "a folder"),
        ("empty", "empty"),
        ("x" * 300, ""),
    ):
        assert not is_regular(tmp_path / name) or name == "empty"
        with pytest.raises(LaMoDInputError, match=word):
            read_file(tmp_path / name)
    for name in ("loop", "missing", "null\0character"):
        with pytest.raises(LaMoDInputError):
            read_file(tmp_path / name)
    (tmp_path / "large").write_bytes(bytes(100))
    with pytest.raises(LaMoDInputError, match="more than the 0 MiB"):
        read_file(tmp_path / "large", 99)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[" * 100_000, "nested"),
        ('{"a":' * 50_000, "nested"),
        ("[" * 70 + "]" * 70, "nested"),
        ("9" * 10_000, "digits"),
        ("[" + "9" * 4000 + "]", "digits"),
        ('{"a": 9223372036854775808}', "digits"),
        ("{", "not JSON"),
        ("[" + "0," * 6_000_001 + "0]", "too large"),
    ],
)
def test_json_is_bounded(text, reason):
    with pytest.raises(ValueError, match=reason):
        parse_json(text)


def test_json_of_usual_size_is_read(tmp_path):
    content = {"a": [1, 2.5, None, True, {"b": "ä"}], "n": -(2**63)}
    assert parse_json(json.dumps(content)) == content
    (tmp_path / "x.json").write_bytes(b"\xef\xbb\xbf" + json.dumps(content).encode())
    assert read_json(tmp_path / "x.json", "") == content
    (tmp_path / "x.json").write_bytes(b'{"a": "\xff"}')
    assert json_object_if_any(tmp_path / "x.json") == {}
    with pytest.raises(LaMoDInputError, match="not UTF-8"):
        read_json(tmp_path / "x.json", "")


def test_a_name_that_is_not_utf8_is_written_and_read_back(tmp_path):
    name = os.fsdecode(b"a\xff.nii") if sys.platform != "win32" else "a\udcff.nii"
    write_json(tmp_path / "x.json", {"name": name})
    assert read_json(tmp_path / "x.json", "")["name"] == name

"""Files and folders are replaced in one step, or stay as they were."""

from __future__ import annotations

import json
import os

import pytest

from LaMoDCore.runtime.atomic import replaced_file, replaced_folder, write_text
from LaMoDCore.runtime.errors import LaMoDInputError
from LaMoDCore.runtime.json_file import json_object_if_any, read_json, write_json


def test_replaced_file(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with replaced_file(path) as temporary:
        temporary.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert os.listdir(tmp_path) == ["a.txt"]


@pytest.mark.parametrize("stop", [KeyboardInterrupt, OSError])
def test_interrupted_file_keeps_the_old_one(tmp_path, stop):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(stop), replaced_file(path) as temporary:
        temporary.write_text("half")
        raise stop
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_new_files_of_a_folder_that_is_written_as_a_whole_get_their_names_at_once(tmp_path):
    with replaced_folder(tmp_path / "out") as folder:
        with replaced_file(folder / "a.txt") as first:
            first.write_text("one")
        with pytest.raises(OSError), replaced_file(folder / "b.txt") as second:
            second.write_text("half")
            raise OSError
        assert first == folder / "a.txt" and os.listdir(folder) == ["a.txt"]
        with pytest.raises(OSError), replaced_file(folder / "a.txt") as again:
            again.write_text("half")
            raise OSError
    assert (tmp_path / "out" / "a.txt").read_text() == "one"
    with replaced_file(tmp_path / "out" / "b.txt") as later:
        assert later.parent != tmp_path / "out"
        later.write_text("two")


def test_replaced_folder(tmp_path):
    path = tmp_path / "deep" / "folder"
    for text in ("first", "second"):
        with replaced_folder(path) as temporary:
            (temporary / text).touch()
        assert os.listdir(path) == [text]
    assert os.listdir(path.parent) == ["folder"]


@pytest.mark.parametrize("stop", [KeyboardInterrupt, OSError])
def test_interrupted_folder_keeps_the_old_one(tmp_path, stop):
    path = tmp_path / "folder"
    with replaced_folder(path) as temporary:
        (temporary / "old").touch()
    with pytest.raises(stop), replaced_folder(path) as temporary:
        (temporary / "half").touch()
        raise stop
    assert os.listdir(path) == ["old"]
    assert os.listdir(tmp_path) == ["folder"]


def test_text_is_written_as_it_is(tmp_path):
    write_text(tmp_path / "a.csv", "a,ü\r\nb\n")
    assert (tmp_path / "a.csv").read_bytes() == "a,ü\r\nb\n".encode()


def test_json_round_trip(tmp_path):
    path = tmp_path / "a.json"
    write_json(path, {"b": "–", "a": [1.5, None]})
    assert read_json(path, "write it again") == json_object_if_any(path) == {"b": "–", "a": [1.5, None]}
    assert path.read_text(encoding="utf-8") == '{\n  "b": "–",\n  "a": [\n    1.5,\n    null\n  ]\n}\n'
    with pytest.raises(ValueError):
        write_json(path, {"a": float("nan")})
    assert json.loads(path.read_text(encoding="utf-8"))["b"] == "–"


@pytest.mark.parametrize("text", [None, "{", "[1]"])
def test_unreadable_json(tmp_path, text):
    if text is not None:
        (tmp_path / "a.json").write_text(text)
    with pytest.raises(LaMoDInputError, match="write it again"):
        read_json(tmp_path / "a.json", "write it again")
    assert json_object_if_any(tmp_path / "a.json") == {}

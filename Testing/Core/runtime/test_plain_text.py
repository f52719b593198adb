"""Text of files and names on terminals, in messages and in tables."""

import csv
import io
import os
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from LaMoDCore.cli import main
from LaMoDCore.runtime.errors import LaMoDInputError
from LaMoDCore.runtime.plain_text import PLAIN, counted, one_line, table_cell, text_of_cell, visible
from LaMoDCore.runtime.progress import Progress
from LaMoDCore.runtime.streams import PlainStream, plain_streams


def test_control_characters_become_their_codes():
    assert visible("\x1b[31mred\x07") == "\\x1b[31mred\\x07"
    assert visible("a\u202egpj.exe") == "a\\u202egpj.exe"
    assert visible("a\udcff") == "a\\udcff"
    assert visible("сердце 心臓 – 90\u202f%") == "сердце 心臓 – 90\u202f%"


def test_a_number_has_a_noun_in_its_form():
    assert [counted(n, "slice") for n in (0, 1, 2)] == ["0 slices", "1 slice", "2 slices"]


@given(st.text())
def test_visible_text_is_printable(text):
    assert all(c.isprintable() or c in "\u00a0\u2009\u202f\u3000" or c.isspace() for c in visible(text))
    assert "\n" not in one_line(text)


def test_messages_are_one_line():
    error = LaMoDInputError("a\nb\x1b[2J", "x\r" + "y" * 5000, "do\x00it")
    assert str(error).isprintable()
    assert len(str(error)) < 1000
    assert error.source == "a\nb\x1b[2J"


@pytest.mark.parametrize("text", ["=1+1", "+cmd", "-cmd", "@SUM(A1)", "\t=1", "\r=1"])
def test_formulas_are_neutralised(text):
    cell = table_cell(text)
    assert cell.startswith("'")
    assert text_of_cell(table_cell("=1+1")) == "=1+1"


@pytest.mark.parametrize("value", ["-0.125", "+0.5", "-3e-05", "", "name", "s-1", "'quoted", 5, -2.5, None])
def test_numbers_and_other_text_do_not_change(value):
    assert table_cell(value) == value


@given(st.text(alphabet=st.characters(blacklist_categories=("C", "Z"))))
def test_no_cell_begins_a_formula(text):
    file = io.StringIO(newline="")
    csv.writer(file).writerow([table_cell(text), "end"])
    cell = next(csv.reader(io.StringIO(file.getvalue(), newline="")))[0]
    assert not cell.startswith(("=", "@", "\t", "\r")) and (not cell.startswith(("+", "-")) or float(cell) is not None)


def test_streams_write_in_any_encoding():
    for encoding in ("ascii", "cp1252", "utf-8"):
        raw = io.BytesIO()
        stream = PlainStream(io.TextIOWrapper(raw, encoding=encoding, newline=""))
        print("R–R 800 ms … ±5 % \x1b[2J 心 \udcff", file=stream, flush=True)
        assert b"\x1b" not in raw.getvalue()
        assert raw.getvalue().decode(encoding).startswith("R–R 800" if encoding != "ascii" else "R-R 800 ms ...")
    assert "≥".encode("ascii", PLAIN) == b">="


def test_closed_streams_discard_text(monkeypatch):
    class Broken(io.StringIO):
        def write(self, text):
            raise BrokenPipeError

    class Full(io.StringIO):
        def write(self, text):
            raise OSError(28, "No space left on device")

    for stream, failed in ((None, False), (Broken(), False), (Full(), True)):
        plain = PlainStream(stream)
        print("text", file=plain, flush=True)
        print("more", file=plain, flush=True)
        assert (plain.failure is not None) == failed
    monkeypatch.setattr(sys, "stdout", Full())
    with plain_streams() as out:
        print("x")
    assert out.failure is not None


def test_a_full_disk_behind_stdout_is_reported(monkeypatch, capsys):
    class Full(io.StringIO):
        def write(self, text):
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(sys, "stdout", Full())
    assert main(["--version"]) == 1
    assert "stdout: it cannot be written" in capsys.readouterr().err


def test_the_progress_bar_shows_no_control_characters_of_names():
    class Terminal(io.StringIO):
        encoding = "ascii"

        def isatty(self):
            return True

    terminal = Terminal()
    with Progress("bar", terminal) as progress:
        progress.update("read", 0.5, "\x1b[31m–\u202e")
    assert terminal.getvalue().count("\x1b") == 1  # the bar's own
    assert "#" in terminal.getvalue()


@pytest.mark.skipif(os.name == "nt", reason="the shell's redirections")
@pytest.mark.parametrize(
    ("line", "code", "out"),
    [
        ("{lamod} --version 2>&-", 0, "lamod"),
        ("{lamod} info --help >&-", 0, ""),
        ("{lamod} info nothing.nii 2>&- >&-", 1, ""),
        ("{lamod} info --help | head -1; exit ${{PIPESTATUS[0]}}", 0, "usage: lamod"),
        ("PYTHONIOENCODING=ascii {lamod} info nothing-\xe4.nii 2>&1", 1, "lamod: nothing-"),
        ("PYTHONIOENCODING=cp1252 {lamod} info $'\\xff\\x1b[2J' 2>&1", 1, "lamod: \\udcff\\x1b[2J"),
    ],
)
def test_real_streams(line, code, out, tmp_path):
    command = line.format(lamod=f"'{sys.executable}' -m LaMoDCore")
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(__file__))))
    environment = {**os.environ, "PYTHONPATH": root}
    done = subprocess.run(["bash", "-c", command], capture_output=True, cwd=tmp_path, env=environment, check=False)
    assert done.returncode == code, done.stderr
    assert done.stdout.decode("utf-8", "replace").startswith(out)
    assert b"Traceback" not in done.stdout + done.stderr and b"Exception" not in done.stdout + done.stderr

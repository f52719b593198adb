"""The project's texts are in plain English: phrases listed in plain_english.txt do not occur."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LIST = Path(__file__).with_name("plain_english.txt")
SUFFIXES = (".py", ".md", ".ui", ".toml", ".json", ".cff", ".yaml", ".yml", ".cmake")
NAMES = ("Makefile", "CMakeLists.txt", "constraints.txt", "run")


def patterns() -> list[tuple[re.Pattern[str], str]]:
    lines = [line for line in LIST.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
    return [(re.compile(line.split("\t")[0], re.IGNORECASE), line.split("\t")[1]) for line in lines]


def texts() -> list[Path]:
    """Tracked files with text for people; every file with such a name where there is no git."""
    try:
        listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
        files = [ROOT / name for name in listed.decode().split("\0") if name]
    except (OSError, subprocess.CalledProcessError):
        skipped = {".git", ".venv", "demo-output"}
        files = [file for file in ROOT.rglob("*") if not skipped & set(file.relative_to(ROOT).parts)]
    kept = [file for file in files if file.is_file() and (file.suffix in SUFFIXES or file.name in NAMES)]
    return [file for file in kept if file.name not in (Path(__file__).name, LIST.name, "real_names.json")]


def findings(text: str) -> list[tuple[int, str, str]]:
    """(line number, phrase, what to write instead) of every listed phrase in a text."""
    listed = patterns()
    return [
        (number, match.group(), instead)
        for number, line in enumerate(text.splitlines(), start=1)
        for pattern, instead in listed
        if (match := pattern.search(line))
    ]


def test_no_listed_phrase_occurs():
    found = [
        f"{file.relative_to(ROOT)}:{number}: {phrase!r}; write: {instead}"
        for file in texts()
        for number, phrase, instead in findings(file.read_text(encoding="utf-8", errors="replace"))
    ]
    assert not found, "\n" + "\n".join(found)


@pytest.mark.parametrize(
    "phrase",
    [
        "a folder with a volume a frame",
        "the contours are mended",
        "Labels were told by their shape",
        "the row stands beside the table",
        "What is known of the heart",
    ],
)
def test_listed_phrases_are_found(phrase):
    assert findings(phrase)


def test_ordinary_sentences_pass():
    assert not findings("One volume per frame. The file contains the mask of every frame. Repair the contour.")

"""The code blocks of the documentation: Python, and lines of the `lamod` command."""

from __future__ import annotations

import re
import shlex
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
#: Generated pages list signatures, not code to run.
PAGES = [
    ROOT / "README.md",
    *(p for p in sorted((ROOT / "docs").rglob("*.md")) if "api" not in p.parts and p.name != "commands.md"),
]
_BLOCK = re.compile(r"^[ ]*```(\w*)\n(.*?)^[ ]*```", re.MULTILINE | re.DOTALL)
_COMMAND = re.compile(r"^\s*(?:\.venv/bin/)?(lamod|python|torchrun|srun|echo|make|pip|\.venv/bin/pip)\s")


@dataclass(frozen=True)
class Snippet:
    """One Python block, or one line of a console block.

    Attributes:
        page: path from the top of the repository.
        line: number in the page, from 1.
        kind: "python" or "console".
        text: the code, or the command without comments and explanations.
    """

    page: str
    line: int
    kind: str
    text: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"

    @property
    def words(self) -> list[str]:
        """The words of a command."""
        return shlex.split(self.text, comments=True)


def snippets() -> Iterator[Snippet]:
    """Every snippet of the documentation, in the order of the pages."""
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        name = page.relative_to(ROOT).as_posix()
        for block in _BLOCK.finditer(text):
            first = text[: block.start()].count("\n") + 2
            if block[1] == "python":
                yield Snippet(name, first, "python", textwrap.dedent(block[2]))
            elif block[1] == "":
                yield from _commands(name, first, block[2])


def _commands(page: str, first: int, block: str) -> Iterator[Snippet]:
    lines = block.replace("\\\n", "\\ ").splitlines()
    for offset, line in enumerate(lines):
        if _COMMAND.match(line):
            command = line.replace("\\ ", " ").strip()
            command = command.split("  ")[0] if not command.startswith("echo") else command  # explanations follow
            yield Snippet(page, first + offset, "console", command.removeprefix(".venv/bin/"))

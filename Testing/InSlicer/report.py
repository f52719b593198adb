"""The report of a check in Slicer: versions, steps with times and exceptions, pictures."""

from __future__ import annotations

import platform
import shutil
import sys
import time
import traceback
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any

PACKAGES = ("numpy", "scipy", "SimpleITK", "pydicom", "vtk", "torch", "safetensors", "matplotlib", "onnxruntime")
#: Files of earlier checks that are removed.
OWN_FILES = ("*.png", "report.md")


class LeftOutError(Exception):
    """A step cannot be performed here; the message is the reason."""


class Report:
    """Collects what the steps find.

    Args:
        folder: of the report; created if necessary.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        for pattern in OWN_FILES:
            for old in folder.glob(pattern):
                old.unlink()
        self.rows: list[tuple[str, str, float, str]] = []
        self.failures: list[tuple[str, str]] = []
        self.pictures: list[tuple[str, str]] = []
        self.facts: dict[str, str] = {}

    @property
    def exit_code(self) -> int:
        return 1 if self.failures else 0

    def perform(self, name: str, step: Callable[[Any], str], session: Any) -> None:
        """Perform a step; an exception in it, or in a slot or observer meanwhile, is a failure."""
        unhandled: list[str] = []
        previous, sys.excepthook = sys.excepthook, lambda *error: unhandled.append(_text(*error))
        started = time.monotonic()
        try:
            state, remark = "passed", step(session) or ""
        except LeftOutError as reason:
            state, remark = "left out", str(reason)
        except Exception as error:
            state, remark = "failed", f"{type(error).__name__}: {error}".splitlines()[0]
            self.failures.append((name, traceback.format_exc()))
        finally:
            sys.excepthook = previous
        if unhandled and state != "failed":
            state, remark = "failed", unhandled[0].strip().splitlines()[-1]
        self.failures += [(name, text) for text in unhandled]
        self.rows.append((name, state, time.monotonic() - started, remark))
        print(f"{state:9} {name}  {remark}", flush=True)

    def picture(self, title: str) -> Path:
        """Path of a new picture.

        Args:
            title: shown in the report.
        """
        path = self.folder / f"{len(self.pictures) + 1:02d}-{title.replace(' ', '-')}.png"
        self.pictures.append((title, path.name))
        return path

    def write(self) -> None:
        """Write report.md, and an archive of the folder next to it."""
        signs = {"passed": "✓", "failed": "✗", "left out": "–"}
        passed = sum(state == "passed" for _, state, _, _ in self.rows)
        lines = ["# LaMoD Strain in 3D Slicer", "", f"{passed} of {len(self.rows)} steps passed.", ""]
        lines += ["| | |", "| --- | --- |", *(f"| {name} | {value} |" for name, value in self._facts().items()), ""]
        lines += ["| step | result | seconds | remark |", "| --- | --- | --- | --- |"]
        for name, state, seconds, remark in self.rows:
            lines.append(f"| {name} | {signs[state]} {state} | {seconds:.1f} | {remark.replace('|', '/')} |")
        for name, text in self.failures:
            lines += ["", f"## {name}", "", "```", text.strip(), "```"]
        for title, file in self.pictures:
            lines += ["", f"## {title}", "", f"![{title}]({file})"]
        (self.folder / "report.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
        shutil.make_archive(str(self.folder), "zip", self.folder)

    def _facts(self) -> dict[str, str]:
        versions = {"system": platform.platform(), "Python": platform.python_version()}
        for package in PACKAGES:
            try:
                versions[package] = metadata.version(package)
            except metadata.PackageNotFoundError:
                versions[package] = "not installed"
        return {**self.facts, **versions}


def _text(kind: type[BaseException], error: BaseException, trace: Any) -> str:
    return "".join(traceback.format_exception(kind, error, trace))

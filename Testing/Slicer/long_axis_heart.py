"""A synthetic heart in long-axis files, as the tests of LaMoDCore write it."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

sys.path.append(str(Path(__file__).resolve().parents[1] / "Core" / "long_axis"))

from long_axis_files import FRAMES, write_cine, write_guide_points, write_markups, write_masks
from long_axis_shapes import ANGLES, beating_walls, long_axis_grid

__all__ = [
    "ANGLES",
    "FRAMES",
    "beating_walls",
    "long_axis_grid",
    "write_cine",
    "write_guide_points",
    "write_markups",
    "write_masks",
]
#: Names of files that name no view.
NAMES = dict(zip(ANGLES, ("first", "second", "third"), strict=True))


def masks(folder: Path) -> list[Path]:
    """Masks of the four-, two- and three-chamber view, in files whose names do not name it."""
    return [write_masks(folder / f"{name}.seq.nrrd", kind) for kind, name in NAMES.items()]


def add(app: SimpleNamespace, *paths: Path) -> str:
    """Add files to the heart; returns the message."""
    app.widget.heartPanel.addPaths(list(paths))
    app.settle()
    return str(app.widget.ui.messageLabel.text)


def rows(app: SimpleNamespace) -> list[list[str]]:
    """Name with number, level or view, frames and contours of each row."""
    app.settle()
    table = app.widget.ui.heartTable
    texts = []
    for r in range(table.rowCount):
        level = table.cellWidget(r, 1).currentText
        texts.append([table.item(r, 0).text(), level, *(table.item(r, c).text() for c in (2, 3))])
    return texts


def click_row(app: SimpleNamespace, row: int) -> None:
    table = app.widget.ui.heartTable
    app.mouse.click(table.viewport(), table.visualItemRect(table.item(row, 2)).center())
    app.settle()


def shown_lines() -> list[Any]:
    """The models of long-axis lines that views show."""
    import slicer

    nodes = slicer.util.getNodesByClass("vtkMRMLModelNode")
    own = [node for node in nodes if (node.GetAttribute("LaMoD.Role") or "").startswith("longAxis")]
    return [node for node in own if node.GetDisplayNode() is not None and node.GetDisplayNode().GetVisibility()]

"""A long-axis view over the cycle: the lines of its wall on every frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from LaMoDCore.heart.case import WHOLE_CYCLE
from LaMoDCore.heart.geometry import Array, SliceGrid
from LaMoDCore.heart.long_axis.wall_lines import INTERVALS, WallLines

ViewKind = Literal["four_chamber", "two_chamber", "three_chamber"]
VIEW_KINDS: tuple[ViewKind, ...] = ("four_chamber", "two_chamber", "three_chamber")
VIEW_NAMES: dict[ViewKind, str] = {
    "four_chamber": "four-chamber",
    "two_chamber": "two-chamber",
    "three_chamber": "three-chamber",
}
#: The two walls of each view, in the order of the lines.
WALLS: dict[ViewKind, tuple[str, str]] = {
    "four_chamber": ("inferoseptal", "anterolateral"),
    "two_chamber": ("inferior", "anterior"),
    "three_chamber": ("anteroseptal", "inferolateral"),
}
#: Their names where the view or the position in the patient is not known.
UNNAMED_WALLS = ("first", "second")
LINE_NAMES = ("endocardial", "mid_wall", "epicardial")


@dataclass(frozen=True, eq=False)
class LongAxisView:
    """One long-axis slice over the cycle; positions are in-plane mm (x, y) = pixel × spacing, P points per line.

    Attributes:
        name: display name.
        grid: pixel grid in LPS.
        endo_mm, epi_mm: [T, P, 2], from the end of the first wall over the apex (point `INTERVALS`) to the second.
        annulus_mm: [T, 2, 2], points of the mitral annulus, of the first and the second wall.
        frame_times_ms: [T], from the R wave.
        rr_ms: length of the cardiac cycle.
        kind: the view; None until it is recognised.
        cine: float32 [T, H, W], if given.
        drawn: bool [T], False where the contours were carried.
        located: whether the position in the patient is known.
    """

    name: str
    grid: SliceGrid
    endo_mm: Array
    epi_mm: Array
    annulus_mm: Array
    frame_times_ms: Array
    rr_ms: float
    kind: ViewKind | None = None
    cine: Array | None = None
    drawn: Array = field(default_factory=lambda: np.empty(0, dtype=bool))
    located: bool = True

    def __post_init__(self) -> None:
        frames = len(self.frame_times_ms)
        if self.drawn.size == 0:
            object.__setattr__(self, "drawn", np.ones(frames, dtype=bool))
        points = 2 * INTERVALS + 1
        expected = {"endo_mm": (frames, points, 2), "epi_mm": (frames, points, 2), "annulus_mm": (frames, 2, 2)}
        for name, shape in expected.items():
            if getattr(self, name).shape != shape:
                raise ValueError(f"{name} must be {shape}, got {getattr(self, name).shape}")

    @property
    def frames(self) -> int:
        return len(self.frame_times_ms)

    @property
    def phases(self) -> Array:
        """[T]: times in fractions of the cycle."""
        return np.asarray(self.frame_times_ms / self.rr_ms)

    @property
    def covers_cycle(self) -> bool:
        """Whether the frames cover the cycle, so that the last one is followed by the first of the next beat."""
        steps = np.diff(self.frame_times_ms)
        span = float(self.frame_times_ms[-1] - self.frame_times_ms[0] + np.median(steps)) if len(steps) else 0.0
        return span >= WHOLE_CYCLE * self.rr_ms

    @property
    def apex_mm(self) -> Array:
        """[T, 2]: the endocardial apex."""
        return np.asarray(self.endo_mm[:, INTERVALS])

    @property
    def walls(self) -> tuple[str, str]:
        """Names of the two walls; `UNNAMED_WALLS` where the view or the position in the patient is not known."""
        return WALLS[self.kind] if self.kind is not None and self.located else UNNAMED_WALLS

    def lps(self, points_mm: Array) -> Array:
        """Convert in-plane mm [..., 2] to LPS mm [..., 3]."""
        return self.grid.pixel_to_lps(np.asarray(points_mm) / np.array(self.grid.spacing_mm))

    def plane_mm(self, points_lps: Array) -> Array:
        """Project LPS mm [..., 3] onto the plane: in-plane mm [..., 2]."""
        return np.asarray(self.grid.lps_to_pixel(points_lps) * np.array(self.grid.spacing_mm))

    def axis_lps(self, frame: int) -> tuple[Array, Array]:
        """[3], [3]: middle of the annulus and the endocardial apex in LPS mm."""
        return self.lps(self.annulus_mm[frame].mean(axis=0)), self.lps(self.apex_mm[frame])

    def cavity_mm2(self) -> Array:
        """[T]: area between the endocardium and the straight line between its ends."""
        x, y = np.moveaxis(self.endo_mm, -1, 0)
        return np.asarray(0.5 * np.abs((x * np.roll(y, -1, axis=1) - np.roll(x, -1, axis=1) * y).sum(axis=1)))


def by_kind(views: Sequence[LongAxisView]) -> list[list[int]]:
    """Indices of the slices of each view: those of one kind belong together, one of unknown kind is a view itself."""
    groups: dict[ViewKind | int, list[int]] = {}
    for index, view in enumerate(views):
        groups.setdefault(index if view.kind is None else view.kind, []).append(index)
    return list(groups.values())


def stacked(lines: list[WallLines]) -> tuple[Array, Array, Array]:
    """endo_mm [T, P, 2], epi_mm [T, P, 2] and annulus_mm [T, 2, 2] of frames whose walls are put in one order.

    A frame that runs the other way than the frame before it is turned.
    """
    ordered: list[WallLines] = []
    for each in lines:
        back = WallLines(each.endo_mm[::-1], each.epi_mm[::-1], each.annulus_mm[::-1])
        before = ordered[-1].endo_mm if ordered else each.endo_mm
        ordered.append(back if _distance(back.endo_mm, before) < _distance(each.endo_mm, before) else each)
    return (
        np.stack([each.endo_mm for each in ordered]),
        np.stack([each.epi_mm for each in ordered]),
        np.stack([each.annulus_mm for each in ordered]),
    )


def _distance(first: Array, second: Array) -> float:
    return float(np.linalg.norm(first - second, axis=-1).sum())

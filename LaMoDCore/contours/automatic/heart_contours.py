"""Automatic contours of a whole heart: slices in order from base to apex, their RV insertion points and origins."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import ndimage

from LaMoDCore.contours.automatic.along_heart import along_the_heart, center_lps_of
from LaMoDCore.contours.automatic.beating import refuse_without_heart
from LaMoDCore.contours.automatic.engine import EngineDescription
from LaMoDCore.contours.automatic.network import ContourNetwork
from LaMoDCore.contours.automatic.registry import DEFAULT_ENGINE, find_engine
from LaMoDCore.contours.automatic.slice_contours import UNSURE, SliceContours, contour_slice
from LaMoDCore.contours.automatic.study import LeftOut, read_short_axis_study
from LaMoDCore.heart.case import CineSlice
from LaMoDCore.heart.contour_origin import ContourOrigin, FrameStatus
from LaMoDCore.heart.geometry import Array
from LaMoDCore.heart.levels import depths_towards_apex
from LaMoDCore.heart.notes import Note
from LaMoDCore.heart.rv_insertion import insertion_points
from LaMoDCore.heart.taper import runs_from_apex
from LaMoDCore.io.images.frame_stack import FrameStack
from LaMoDCore.io.images.stated_geometry import lies_on_scanner_axes
from LaMoDCore.runtime.errors import LaMoDInputError
from LaMoDCore.runtime.progress import SILENT, Progress


@dataclass(frozen=True, eq=False)
class ContouredSlice:
    """A slice with its cine and its contours.

    Attributes:
        cine: [T, 1, H, W].
        contours: verdict, masks, confidence.
        rv_insertion_lps: [3] anterior RV insertion, or None.
    """

    cine: FrameStack
    contours: SliceContours
    rv_insertion_lps: Array | None


@dataclass(frozen=True, eq=False)
class HeartContours:
    """Automatic contours of a study.

    Attributes:
        engine: the engine that drew the contours.
        slices: slices from base to apex, including those that are left out.
        left_out: series that were not used.
        notes: assumptions made while reading.
        seconds: wall time of the network.
        paths: the study.
    """

    engine: EngineDescription
    slices: tuple[ContouredSlice, ...]
    left_out: tuple[LeftOut, ...]
    notes: tuple[Note, ...]
    seconds: float
    paths: tuple[Path, ...]

    def origin_of(self, slice_: ContouredSlice) -> ContourOrigin:
        """The origin that is stored with the contours of a slice."""
        confidence = slice_.contours.confidence
        status: list[FrameStatus] = ["automatic" if value >= UNSURE else "unsure" for value in confidence]
        point = slice_.rv_insertion_lps
        return ContourOrigin(
            engine=self.engine.name,
            engine_sha256=self.engine.sha256,
            licence=f"weights {self.engine.licence.weights}, training data {self.engine.licence.training_data}",
            convention=self.engine.contour_convention,
            status=tuple(status),
            confidence=tuple(round(float(value), 4) for value in confidence),
            rv_insertion_lps=None if point is None else (float(point[0]), float(point[1]), float(point[2])),
            volume_only_because=slice_.contours.reason if slice_.contours.verdict == "volume only" else "",
        )


def contour_study(
    paths: Sequence[str | Path],
    *,
    engine: str | Path | EngineDescription = DEFAULT_ENGINE,
    series: str | None = None,
    per_frame: int = 2,
    threads: int | None = None,
    progress: Progress = SILENT,
) -> HeartContours:
    """Draw the left-ventricular contours of every frame of a study's short-axis cine.

    Args:
        paths: files and folders of the study.
        engine: name, folder or description of the contour engine.
        series: UID or number of the only DICOM series to use.
        per_frame: orientations in which the network sees each frame: 2, or 1 for half the time.
        threads: number of threads of the network; by default OMP_NUM_THREADS, or one per core.
        progress: receives the share done and the time left.

    Raises:
        LaMoDInputError: the engine cannot be used, the study has no short-axis cine, or no slice shows a beating
            ventricle.
    """
    description = engine if isinstance(engine, EngineDescription) else find_engine(engine)
    if "short-axis" not in description.views:
        raise LaMoDInputError(
            f"contour engine {description.name}", "it does not draw short-axis views", "choose another engine"
        )
    network = ContourNetwork(description, threads)
    progress.update("read", 0.0, "reading the study")
    study = read_short_axis_study([Path(path) for path in paths], series)
    total = sum(len(stack.frames) for stack in study.slices)
    done = 0
    began = time.perf_counter()
    drawn: list[SliceContours] = []
    center_lps = heart_center_lps(study.slices)
    for number, stack in enumerate(study.slices, start=1):

        def after(frames: int, before: int = done, number: int = number) -> None:
            share = (before + frames) / total
            left = (time.perf_counter() - began) * (1 - share) / share
            text = f"slice {number} of {len(study.slices)}, about {max(1, round(left))} s left"
            progress.update("contours", share, text)

        x, y = stack.slice_grid(0).lps_to_pixel(center_lps)
        drawn.append(contour_slice(network, stack, (float(x), float(y)), per_frame, after))
        done += len(stack.frames)
    seconds = time.perf_counter() - began
    checked = along_the_heart(study.slices, drawn)
    refuse_without_heart(study.slices, checked, paths)
    order = _base_to_apex(study.slices, checked)
    return HeartContours(
        engine=description,
        slices=tuple(
            ContouredSlice(study.slices[k], checked[k], _insertion_of(study.slices[k], checked[k])) for k in order
        ),
        left_out=study.left_out,
        notes=study.notes,
        seconds=seconds,
        paths=tuple(Path(path) for path in paths),
    )


def heart_center_lps(stacks: Sequence[FrameStack]) -> Array:
    """[3] LPS mm: where the images change most over the cycle, the median over the slices.

    The change is the standard deviation over the frames, smoothed over 8 mm; chest wall and vessels near the edge of
    the field of view count less, by a Gaussian weight about its middle.
    """
    centers = []
    for stack in stacks:
        grid = stack.slice_grid(0)
        dx, dy = grid.spacing_mm
        change = ndimage.gaussian_filter(stack.frames[:, 0].std(axis=0), (8.0 / dy, 8.0 / dx))
        rows, columns = np.indices(grid.shape)
        height, width = grid.shape
        off = ((columns - (width - 1) / 2) / (0.25 * width)) ** 2 + ((rows - (height - 1) / 2) / (0.25 * height)) ** 2
        weight = change * np.exp(-off / 2)
        strong = np.where(weight >= np.quantile(weight, 0.97), weight, 0.0)
        total = float(strong.sum())
        if total > 0:
            x, y = float((strong * columns).sum() / total), float((strong * rows).sum() / total)
            centers.append(grid.pixel_to_lps(np.array([x, y])))
        else:
            centers.append(grid.center_lps)
    return np.asarray(np.median(centers, axis=0))


def _base_to_apex(stacks: Sequence[FrameStack], drawn: Sequence[SliceContours]) -> list[int]:
    """Indices of the slices from base to apex: by their positions, or by the taper if the header does not state it."""
    grids = [stack.slice_grid(0) for stack in stacks]
    centers = [
        center_lps_of(stack, contours) if contours.rings is not None else grid.center_lps
        for stack, contours, grid in zip(stacks, drawn, grids, strict=True)
    ]
    depths = depths_towards_apex(centers, grids)
    order = sorted(range(len(stacks)), key=lambda k: depths[k])
    is_known = all(stack.has_orientation for stack in stacks) and not all(
        lies_on_scanner_axes(grid.ijk_to_lps) for grid in grids
    )
    used = [k for k in order if drawn[k].verdict == "used"]
    left = [float((drawn[k].myocardium[0] | drawn[k].cavity[0]).sum() * np.prod(grids[k].spacing_mm)) for k in used]
    right = [float(drawn[k].right_ventricle.sum(axis=(1, 2)).max() * np.prod(grids[k].spacing_mm)) for k in used]
    return order[::-1] if not is_known and runs_from_apex(left, right) else order


def _insertion_of(stack: FrameStack, contours: SliceContours) -> Array | None:
    """The anterior RV insertion of a slice: the median over the frames of the largest cavity; None without an RV."""
    if contours.verdict != "used" or not contours.right_ventricle.any():
        return None
    frames = len(contours.cavity)
    slice_ = CineSlice(
        name=stack.name,
        grid=stack.slice_grid(0),
        myocardium=contours.myocardium,
        frame_times_ms=np.arange(frames, dtype=np.float64),
        rr_ms=float(frames),
        cavity=contours.cavity,
        right_ventricle=contours.right_ventricle,
    )
    area = contours.cavity.sum(axis=(1, 2))
    largest = np.argsort(-area, kind="stable")[: max(1, frames // 5)]
    found = [points for frame in largest if (points := insertion_points(slice_, int(frame))) is not None]
    return np.asarray(np.median([points[0] for points in found], axis=0)) if found else None

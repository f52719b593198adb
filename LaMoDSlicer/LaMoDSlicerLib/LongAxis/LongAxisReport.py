"""The page of long-axis views, the same as `lamod predict` draws, from a result in the scene."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from slicer.i18n import tr as _

from LaMoDSlicerLib.Display import ColourRanges
from LaMoDSlicerLib.Inputs.InputError import InputError
from LaMoDSlicerLib.LongAxis import LongAxisKeeper, LongAxisText
from LaMoDSlicerLib.LongAxis.LongAxisNode import LongAxisNode, MeasuredView
from LaMoDSlicerLib.Scene.CineSource import CineSource
from LaMoDSlicerLib.Worker import Dependencies


def write(node: LongAxisNode, path: Path, identity: Mapping[str, str] | None = None) -> list[Path]:
    """Write the page as PDF or PNG, by the suffix of the path.

    Args:
        node: the result.
        path: .pdf or .png.
        identity: patient data for the page; None or empty for none.

    Raises:
        InputError: a package is missing and was not installed.
        OSError: the file cannot be written.
    """
    from LaMoDCore.report.style import page_style
    from LaMoDCore.runtime.atomic import replaced_file

    bare = {"Software": None} if path.suffix == ".png" else {"Creator": None, "Producer": None, "CreationDate": None}
    page = draw(node, identity)
    with page_style(), replaced_file(path) as temporary:
        page.savefig(temporary, dpi=150, metadata=bare)
    return [path]


def draw(
    node: LongAxisNode, identity: Mapping[str, str] | None = None, function: Mapping[str, Any] | None = None
) -> Any:
    """The page as a Matplotlib figure; it is marked if the result is out of date.

    Args:
        node: the result.
        identity: patient data for the page; None or empty for none.
        function: ``function`` of strain.json, volumes of the short-axis slices to be compared with; None without any.

    Raises:
        InputError: a package is missing and was not installed.
    """
    Dependencies.ensureOnly(Dependencies.FOR_PICTURES)
    from LaMoDCore import __version__
    from LaMoDCore.report.long_axis_page import draw_long_axis_page
    from LaMoDCore.report.parts import WARNING
    from LaMoDCore.report.style import page_style

    views = [_view(view, browser) for view, browser in zip(node.views(), node.browsers(), strict=True)]
    summary = {"long_axis": node.summary, "function": function or {}}
    limit = ColourRanges.limits("longitudinal")[1]
    with page_style():
        page = draw_long_axis_page(views, summary, node.notes(), provenance=f"LaMoD {__version__}", limit_percent=limit)
        if LongAxisKeeper.isOutOfDate(node):
            text = f"↻ {LongAxisText.outOfDate()}"
            page.text(0.97, 0.9195, text, fontsize=8.5, ha="right", fontweight="bold", color=WARNING)
        if identity:
            page.text(0.5, 0.977, "   ".join(identity.values()), fontsize=8, ha="center")
    return page


def _view(view: MeasuredView, browser: Any) -> Any:
    """A view of the result as a LaMoDCore LongAxisView."""
    from LaMoDCore.heart.geometry import SliceGrid
    from LaMoDCore.heart.long_axis.view import UNNAMED_WALLS, LongAxisView

    grid = SliceGrid(view.shape, view.ijkToLps)

    def plane(points: np.ndarray) -> np.ndarray:
        return np.asarray(grid.lps_to_pixel(points) * np.array(grid.spacing_mm))

    carried = int(view.numbers.get("frames_carried") or 0)
    return LongAxisView(
        name=_("view"),
        grid=grid,
        endo_mm=plane(view.linesLps["endocardial"]),
        epi_mm=plane(view.linesLps["epicardial"]),
        annulus_mm=plane(view.annulusLps),
        frame_times_ms=view.timesMs,
        rr_ms=float(view.numbers["rr_ms"]),
        kind=view.view,
        cine=_images(view, browser),
        drawn=np.arange(len(view.timesMs)) >= carried,
        located=tuple(view.numbers["walls"]) != UNNAMED_WALLS,  # as it was measured
    )


def _images(view: MeasuredView, browser: Any) -> np.ndarray | None:
    """[T, H, W] of the cine in the plane of a view; None if only masks are there."""
    if browser is None:
        return None
    try:
        images = CineSource(browser)
        depth = images.geometry().sliceIndexOf(view.ijkToLps)
        frames = images.frames()[:, depth].astype(np.float32)
    except (InputError, ValueError, AttributeError):  # masks have a browser too
        return None
    return frames if frames.shape == (len(view.timesMs), *view.shape) else None

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from LaMoDSlicerLib.Display import ColourRanges
from LaMoDSlicerLib.Inputs.InputError import InputError
from LaMoDSlicerLib.Inputs.MaskSource import MaskFrames, MaskSource
from LaMoDSlicerLib.LongAxis.LongAxisNode import LongAxisNode
from LaMoDSlicerLib.Results import LongAxisPage, ResultContours
from LaMoDSlicerLib.Results.ResultHeadline import outOfDate
from LaMoDSlicerLib.Results.ResultNode import ResultNode
from LaMoDSlicerLib.Results.ResultReport import ResultReport
from LaMoDSlicerLib.Worker import Dependencies
from LaMoDSlicerLib.Worker.SlicedWork import Steps


class PageExport:
    """A result of the scene as a page for browsers: one file with the beating heart, which needs no network.

    Args:
        node: the result.
        identity: the patient's name, ID and birth date for the page; empty for none.
    """

    #: Requirements of the export.
    PACKAGES = (*Dependencies.FOR_PAGES, *Dependencies.FOR_PICTURES)

    def __init__(self, node: ResultNode, identity: dict[str, str]) -> None:
        self._node, self._identity = node, identity

    def steps(self, path: Path) -> Steps:
        """Write the page in small steps; the result is the list of files.

        Raises:
            InputError: the scene does not contain the motion.
            OSError: the file cannot be written.
        """
        from LaMoDCore.report.html.page import PageParts, html_report
        from LaMoDCore.runtime.atomic import write_text

        result = yield from ResultReport(self._node).strainResultSteps()
        yield
        drawn = self._drawn(result.case)
        if drawn is not None:
            result = replace(result, case=drawn)
        yield
        views = LongAxisNode.ofResult(self._node.node)
        if views is not None:
            result = replace(result, summary={**result.summary, "long_axis": views.summary})
        parts = PageParts(
            drawn=drawn is not None,
            long_axis=[] if views is None else LongAxisPage.lines(views),
            patient=tuple(self._identity.values()),
            warning=f"↻ {outOfDate()}" if ResultContours.isOutOfDate(self._node) else "",
            limits={name: ColourRanges.limits(name)[1] for name in ("ecc", "err", "longitudinal")},
        )
        text = yield lambda: html_report(result, parts)
        yield lambda: write_text(path, text)
        return [path]

    def _drawn(self, case: Any) -> Any:
        """The case with the masks of every frame; None if they are not in the scene or changed since the prediction."""
        nodes = ResultContours.masksOf(self._node)
        if not nodes or ResultContours.isOutOfDate(self._node):
            return None
        try:
            read = [source.read(source.structures(), None, None, allowEmpty=True) for source in map(MaskSource, nodes)]
        except InputError:
            return None
        slices = [self._withMasks(cine, read, case.reference_frame) for cine in case.slices]
        return None if None in slices else replace(case, slices=tuple(slices))

    @staticmethod
    def _withMasks(cine: Any, read: list[MaskFrames], reference: int) -> Any:
        """A slice with its masks; None if no masks have its grid and its wall at end-diastole."""
        for masks in read:
            try:
                found = masks.labels[:, masks.geometry.sliceIndexOf(cine.grid.ijk_to_lps)] == MaskFrames.MYOCARDIUM
            except ValueError:
                continue
            isSame = found.shape == cine.myocardium.shape
            if isSame and np.array_equal(found[reference], cine.myocardium[reference]):
                return replace(cine, myocardium=found)
        return None

from pathlib import Path

from LaMoDSlicerLib.Display import ColourRanges
from LaMoDSlicerLib.Results import ResultContours
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

        result = yield from ResultReport(self._node).strainResultSteps()
        parts = PageParts(
            drawn=False,
            patient=tuple(self._identity.values()),
            warning=f"↻ {outOfDate()}" if ResultContours.isOutOfDate(self._node) else "",
            limits={name: ColourRanges.limits(name)[1] for name in ("ecc", "err")},
        )
        text = yield lambda: html_report(result, parts)
        yield lambda: self._write(path, text)
        return [path]

    @staticmethod
    def _write(path: Path, text: str) -> None:
        from LaMoDCore.runtime.atomic import replaced_file

        with replaced_file(path) as temporary:
            temporary.write_text(text, encoding="utf-8", newline="")

"""Write the report as PNG and PDF, the same bytes for the same result."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from LaMoDCore.heart.case import StrainResult
from LaMoDCore.heart.long_axis.view import LongAxisView
from LaMoDCore.heart.notes import Note, concerns_long_axis
from LaMoDCore.report.long_axis_page import draw_long_axis_page
from LaMoDCore.report.page import draw_page
from LaMoDCore.report.style import page_style
from LaMoDCore.report.wording import provenance_line

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: Picture of the page of long-axis views, next to the one of the first page.
LONG_AXIS_PNG = "report_long_axis.png"
_DPI = 150


def write_report(result: StrainResult, png: Path, pdf: Path, long_axis: Sequence[LongAxisView] = ()) -> list[str]:
    """Draw the report and write it as PNG and PDF.

    No file contains a date, a path, the name of an input or the version of the drawing library.

    Args:
        result: the result to show.
        png: path of the image, 150 dots per inch.
        pdf: path of the same page as a vector drawing, followed by the page of long-axis views.
        long_axis: the views of ``long_axis`` in the summary; their page is also written next to `png`.

    Returns:
        Names of the files.
    """
    with page_style():
        pages = {png: draw_page(result)}
        if long_axis:
            notes = [each for each in result.notes if concerns_long_axis(each)]
            provenance = provenance_line(result)
            second = draw_long_axis_page(long_axis, result.summary, notes, provenance=provenance)
            pages[png.with_name(LONG_AXIS_PNG)] = second
        return _write(pages, pdf)


def write_long_axis_report(
    views: Sequence[LongAxisView], summary: Mapping[str, Any], notes: Sequence[Note], png: Path, pdf: Path
) -> list[str]:
    """Draw the page of long-axis views without short-axis slices and write it as PNG and PDF.

    Args:
        views: the views.
        summary: content of strain.json.
        notes: notes on the views.
        png: path of the image.
        pdf: path of the vector drawing.

    Returns:
        Names of the files.
    """
    with page_style():
        provenance = f"LaMoD {summary['provenance']['lamod_version']}"
        return _write({png: draw_long_axis_page(views, summary, notes, provenance=provenance)}, pdf)


def _write(pages: Mapping[Path, Figure], pdf: Path) -> list[str]:
    from matplotlib.backends.backend_pdf import PdfPages

    metadata = {"Title": "LaMoD strain report", "Creator": None, "Producer": None, "CreationDate": None}
    with PdfPages(pdf, metadata=metadata) as document:
        for png, page in pages.items():
            page.savefig(png, dpi=_DPI, metadata={"Software": None})
            document.savefig(page, dpi=_DPI)
    return [*(png.name for png in pages), pdf.name]

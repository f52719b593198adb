"""Write a StrainResult to a folder; `LaMoDCore.io.read_result` reads it back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from LaMoDCore.heart.case import StrainResult
from LaMoDCore.heart.long_axis.view import LongAxisView
from LaMoDCore.io.results.contour_masks import has_derived_contours, refuse_to_replace_edited_masks, write_contour_masks
from LaMoDCore.io.results.displacement_files import write_displacement
from LaMoDCore.io.results.function_files import write_function_csv, write_thickness_csv
from LaMoDCore.io.results.long_axis_files import write_long_axis_files
from LaMoDCore.io.results.motion_npz import write_motion_npz
from LaMoDCore.io.results.segments_csv import write_segments_csv
from LaMoDCore.io.results.spatial_files import write_spatial
from LaMoDCore.io.results.strain_json import write_strain_json
from LaMoDCore.prediction.outputs import DEFAULT_OUTPUTS, chosen_outputs
from LaMoDCore.report.drawing_process import DrawingProcess
from LaMoDCore.report.html.bokeh_script import check_bokeh
from LaMoDCore.runtime.output.new_folder import check_new_folder, new_folder
from LaMoDCore.runtime.threads import thread_count

#: Contents of a result folder, for its marker.
CONTENTS = "a LaMoD result"


def check_output(out: str | Path, inputs: Iterable[str | Path] = ()) -> Path:
    """Check before a prediction that `write_result` can write to `out`.

    Args:
        out: the folder.
        inputs: files and folders that are read; none of them may lie in `out`.

    Raises:
        LaMoDInputError: see `write_result`.
    """
    refuse_to_replace_edited_masks(out)
    return check_new_folder(out, CONTENTS, inputs)


def write_result(
    result: StrainResult,
    out: str | Path,
    *,
    report: bool = True,
    outputs: Iterable[str] | None = None,
    command: str = "predict",
    long_axis: Sequence[LongAxisView] = (),
    drawing: DrawingProcess | None = None,
) -> list[Path]:
    """Write the files of a result to the folder `out`, atomically; the same result gives the same bytes.

    ==========================  ============  ==============================================================
    file                        part          contents
    ==========================  ============  ==============================================================
    .lamod.json                               command, version, and SHA-256 of every file
    motion.npz                  motion        material fields, see `LaMoDCore.io.results.motion_npz`
    segments.csv                segments      one row per slice, segment and frame
    strain.json                 strain        summary and notes
    function.csv                segments      blood volume of the drawn slices at each frame
    thickness.csv               segments      wall thickness and thickening of each segment
    ecc.seq.nrrd, err.seq.nrrd  spatial       strain as fractions; 0 outside the deformed wall, never inside it
    displacement/               displacement  ``frame_NNN.nrrd``: u(X) as a vector image
    contours.seq.nrrd           contours      the masks, where they were drawn automatically or carried
    report.png, report.pdf      report        one page, and a second one of long-axis views in the PDF
    report_long_axis.png        report        the second page
    report.html                 html          a page for browsers, only if it is chosen
    thumbnail.webp              html          its picture in lists of cases
    ==========================  ============  ==============================================================

    Where the slices do not form one regular stack, the images are ``ecc_sliceN.seq.nrrd`` and
    ``displacement/frame_NNN_sliceN.nrrd``, slices counted from 1.

    Args:
        result: the result to write.
        out: the folder. An existing result is replaced once the new one is complete, unless files in it were changed
            or added.
        report: False leaves out report.png and report.pdf.
        outputs: parts to write, see `LaMoDCore.prediction.outputs.OUTPUTS`; None writes all but html.
        command: name of the command or program, for the folder's marker.
        long_axis: the views of ``long_axis`` in the summary, whose lines are written too.
        drawing: a process that draws the report; without it this one does.

    Returns:
        The files, in the order above, without the marker.

    Raises:
        LaMoDInputError: `out` is a file, is read-only or holds files that are not an unchanged result, the disk is
            full, or html is chosen and Bokeh is not installed.
        ValueError: `outputs` has an unknown name.
    """
    parts = set(chosen_outputs(DEFAULT_OUTPUTS if outputs is None else outputs)) - (set() if report else {"report"})
    if "html" in parts:
        check_bokeh()
    refuse_to_replace_edited_masks(out)
    writers = {part: write for part, write in _image_writers().items() if part in parts}
    # Images are compressed while the report is drawn, which keeps one thread busy.
    with new_folder(out, CONTENTS, command) as folder:
        pool = ThreadPoolExecutor(thread_count(4))
        report_arguments = result, folder / "report.png", folder / "report.pdf", long_axis
        try:
            if "report" in parts and drawing is not None:
                drawing.begin(*report_arguments)
            pending = {part: pool.submit(write, result, folder) for part, write in writers.items()}
            tables = _write_tables(result, folder) if "segments" in parts else []
            write_strain_json(result, folder / "strain.json")
            views = write_long_axis_files(long_axis, result.summary["long_axis"], folder) if long_axis else []
            report_files = []
            if "report" in parts:
                from LaMoDCore.report import write_report

                report_files = drawing.finish() if drawing is not None else write_report(*report_arguments)
            if "html" in parts:
                from LaMoDCore.report.html.cohort_page import THUMBNAIL
                from LaMoDCore.report.html.long_axis import lines_of_views
                from LaMoDCore.report.html.page import PageParts, write_html_report
                from LaMoDCore.report.html.thumbnail import thumbnail

                report_files = [*report_files, "report.html", THUMBNAIL]
                write_html_report(result, folder / "report.html", PageParts(long_axis=lines_of_views(long_axis)))
                (folder / THUMBNAIL).write_bytes(thumbnail(result))
            images = {part: written.result() for part, written in pending.items()}
        finally:
            pool.shutdown(cancel_futures=True)  # after an error, parts that have not begun are not written
            if drawing is not None:
                drawing.close()
    files = [
        *images.get("motion", []),
        *tables[:1],
        "strain.json",
        *tables[1:],
        *views,
        *(name for part in ("spatial", "displacement", "contours") for name in images.get(part, [])),
        *report_files,
    ]
    return [Path(out) / name for name in files]


def _write_tables(result: StrainResult, folder: Path) -> list[str]:
    write_segments_csv(result, folder / "segments.csv")
    if "function" not in result.summary:
        return ["segments.csv"]
    write_function_csv(result, folder / "function.csv")
    write_thickness_csv(result, folder / "thickness.csv")
    return ["segments.csv", "function.csv", "thickness.csv"]


def _write_motion(result: StrainResult, folder: Path) -> list[str]:
    write_motion_npz(result, folder / "motion.npz")
    return ["motion.npz"]


def _write_contours(result: StrainResult, folder: Path) -> list[str]:
    return write_contour_masks(result.case, folder) if has_derived_contours(result.case) else []


def _image_writers() -> dict[str, Callable[[StrainResult, Path], list[str]]]:
    """Part -> function that writes its files and returns their names; the longest first."""
    return {
        "motion": _write_motion,
        "spatial": write_spatial,
        "displacement": write_displacement,
        "contours": _write_contours,
    }

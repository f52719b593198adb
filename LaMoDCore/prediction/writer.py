"""Write a StrainResult to a folder; `LaMoDCore.io.read_result` reads it back."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from LaMoDCore.heart.case import StrainResult
from LaMoDCore.io.results.contour_masks import has_derived_contours, refuse_to_replace_edited_masks, write_contour_masks
from LaMoDCore.io.results.displacement_files import write_displacement
from LaMoDCore.io.results.function_files import write_function_csv, write_thickness_csv
from LaMoDCore.io.results.motion_npz import write_motion_npz
from LaMoDCore.io.results.segments_csv import write_segments_csv
from LaMoDCore.io.results.spatial_files import write_spatial
from LaMoDCore.io.results.strain_json import write_strain_json
from LaMoDCore.runtime.output.new_folder import check_new_folder, new_folder

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


def write_result(result: StrainResult, out: str | Path, *, report: bool = True, command: str = "predict") -> list[Path]:
    """Write every file of a result to the folder `out`, atomically; the same result gives the same bytes.

    ==========================  ==========================================================================
    .lamod.json                 command, version, and SHA-256 of every file
    motion.npz                  material fields, see `LaMoDCore.io.results.motion_npz`
    segments.csv                one row per slice, segment and frame
    strain.json                 summary and notes
    function.csv                blood volume of the drawn slices at each frame
    thickness.csv               wall thickness and thickening of each segment
    ecc.seq.nrrd, err.seq.nrrd  spatial strain as fractions; 0 outside the deformed wall, never inside it
    displacement/               ``frame_NNN.nrrd``: u(X) as a vector image
    contours.seq.nrrd           the masks, where they were drawn automatically or carried
    report.png, report.pdf      one page
    ==========================  ==========================================================================

    Where the slices do not form one regular stack, the images are ``ecc_sliceN.seq.nrrd`` and
    ``displacement/frame_NNN_sliceN.nrrd``, slices counted from 1.

    Args:
        result: the result to write.
        out: the folder. An existing result is replaced once the new one is complete, unless files in it were changed
            or added.
        report: also draw the report.
        command: name of the command or program, for the folder's marker.

    Returns:
        The files, in the order above, without the marker.

    Raises:
        LaMoDInputError: `out` is a file, is read-only or holds files that are not an unchanged result, or the disk is
            full.
    """
    refuse_to_replace_edited_masks(out)
    # Compression runs beside the drawing of the report, which keeps one thread busy.
    with new_folder(out, CONTENTS, command) as folder, ThreadPoolExecutor(1) as pool:
        pending = pool.submit(_write_images, result, folder)
        write_segments_csv(result, folder / "segments.csv")
        write_strain_json(result, folder / "strain.json")
        files = ["motion.npz", "segments.csv", "strain.json"]
        if "function" in result.summary:
            write_function_csv(result, folder / "function.csv")
            write_thickness_csv(result, folder / "thickness.csv")
            files += ["function.csv", "thickness.csv"]
        drawn = []
        if report:
            from LaMoDCore.report import write_report

            write_report(result, folder / "report.png", folder / "report.pdf")
            drawn = ["report.png", "report.pdf"]
        files += [*pending.result(), *drawn]
    return [Path(out) / name for name in files]


def _write_images(result: StrainResult, folder: Path) -> list[str]:
    """Write motion.npz and the image files; returns the names of the latter."""
    write_motion_npz(result, folder / "motion.npz")
    files = [*write_spatial(result, folder), *write_displacement(result, folder)]
    if has_derived_contours(result.case):
        files += write_contour_masks(result.case, folder)
    return files

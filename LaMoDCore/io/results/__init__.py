"""Result files: what `lamod predict` writes, one folder per heart, and their readers.

`read_result` reads a whole folder::

    result = read_result("out")              # LaMoDInputError where a file is missing or damaged
    result.slices[0].strain.fields["ecc"]    # a SliceStrain, as predict_strain returned it
    result.slices[0].intervals["ecc"]        # (low, high) of each segment and frame, if calibrated
    result.summary["global"]["gcs_peak"]     # strain.json without its notes
    result.global_interval("gcs_peak")       # GlobalInterval(low, high, is_bound), or None
    result.notes                             # Note objects, also of files of schema version 1

Each file has a module with a writer and a reader:

==================  ====================================================================================
motion.npz          `read_motion_npz` -> MotionFile: the arrays, LPS, slices padded to one size
segments.csv        `read_segments_csv` -> SegmentRow per slice, segment and frame; NaN for empty cells
strain.json         `read_strain_json` -> SummaryFile(summary, notes)
function.csv        `read_function_csv` -> (frame, ms, ml) of each frame
thickness.csv       `read_thickness_csv` -> ThicknessRow per slice and segment; NaN for empty cells
ecc, err.seq.nrrd   `read_spatial` -> FrameStack per file, NaN outside the wall of each frame
displacement/       `read_displacement` -> DisplacementVolume per stack, or per slice
contours.seq.nrrd   `LaMoDCore.io.load_case` reads it as masks
==================  ====================================================================================

`LaMoDCore.prediction.writer.write_result` writes all of them.
"""

from LaMoDCore.io.results.displacement_files import DisplacementVolume, read_displacement, write_displacement
from LaMoDCore.io.results.function_files import (
    ThicknessRow,
    read_function_csv,
    read_thickness_csv,
    write_function_csv,
    write_thickness_csv,
)
from LaMoDCore.io.results.global_interval import GlobalInterval, global_interval
from LaMoDCore.io.results.motion_npz import MotionFile, read_motion_npz, write_motion_npz
from LaMoDCore.io.results.segments_csv import SegmentRow, read_segments_csv, write_segments_csv
from LaMoDCore.io.results.spatial_files import read_spatial, write_spatial
from LaMoDCore.io.results.stored_result import StoredResult, StoredSlice, read_result
from LaMoDCore.io.results.strain_json import SummaryFile, read_strain_json, write_strain_json

__all__ = [
    "DisplacementVolume",
    "GlobalInterval",
    "MotionFile",
    "SegmentRow",
    "StoredResult",
    "StoredSlice",
    "SummaryFile",
    "ThicknessRow",
    "global_interval",
    "read_displacement",
    "read_function_csv",
    "read_motion_npz",
    "read_result",
    "read_segments_csv",
    "read_spatial",
    "read_strain_json",
    "read_thickness_csv",
    "write_displacement",
    "write_function_csv",
    "write_motion_npz",
    "write_segments_csv",
    "write_spatial",
    "write_strain_json",
    "write_thickness_csv",
]

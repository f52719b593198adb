"""Read DENSE images in any supported format."""

from __future__ import annotations

from pathlib import Path

from LaMoDCore.io.dense.arrays import JSON_NAME, read_arrays
from LaMoDCore.io.dense.dicom import holds_dicom, read_dicom_dense
from LaMoDCore.io.dense.images import DenseImages
from LaMoDCore.io.dense.workspace import read_workspace
from LaMoDCore.runtime.errors import LaMoDInputError

_FORMS = "a DENSEanalysis workspace (.dns), a folder with dense.json and arrays, or a folder of DENSE DICOM"


def read_dense(
    path: str | Path, *, ke: float | None = None, frame_ms: float | None = None, rr_ms: float | None = None
) -> tuple[DenseImages, ...]:
    """Read DENSE images, one entry per slice.

    Args:
        path: a .dns workspace, a folder or JSON file of NumPy arrays, or a folder of DICOM.
        ke: effective encoding frequency in cycles/mm; overrides the data.
        frame_ms: duration of a frame; overrides the data.
        rr_ms: R–R interval; overrides the data.

    Raises:
        LaMoDInputError: the data cannot be used.
    """
    path = Path(path)
    if not path.exists():
        raise LaMoDInputError(path, "there is no such file or folder", "check the path")
    if path.is_file():
        if path.suffix.lower() in (".dns", ".mat"):
            return read_workspace(path, ke=ke, frame_ms=frame_ms, rr_ms=rr_ms)
        if path.suffix.lower() == ".json":
            return read_arrays(path, ke=ke, frame_ms=frame_ms, rr_ms=rr_ms)
        raise LaMoDInputError(path, "it is not DENSE data", f"give {_FORMS}")
    if not (path / JSON_NAME).exists():
        workspaces = sorted(path.glob("*.dns"))
        if len(workspaces) == 1:
            return read_workspace(workspaces[0], ke=ke, frame_ms=frame_ms, rr_ms=rr_ms)
        if workspaces:
            raise LaMoDInputError(path, f"it contains {len(workspaces)} workspaces", "name one of them")
        if holds_dicom(path):
            return read_dicom_dense(path, ke=ke, frame_ms=frame_ms, rr_ms=rr_ms)
    return read_arrays(path, ke=ke, frame_ms=frame_ms, rr_ms=rr_ms)

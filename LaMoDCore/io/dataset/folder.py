"""Dataset folders, `dataset.json` and `cases/ID/`, for training and evaluation.

dataset.json                version, cases: id, subject, site, split, cohort, disease, level
cases/ID/masks.seq.nrrd     the myocardium as drawn, 0 and 1
         displacement.npz   displacement_mm [T, Z, H, W, 3] LPS (NaN outside frame 0's myocardium),
                            valid [T, Z, H, W], frame_times_ms [T], rr_ms, reference_frame (optional file)
         case.json          level, disease, rv_insertion_lps, paired_with
         masks_true.seq.nrrd, cine.seq.nrrd   (optional)
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from LaMoDCore.heart.case import LEVELS, Level
from LaMoDCore.heart.geometry import Array, SliceGrid
from LaMoDCore.io.images.frame_stack import slice_grid
from LaMoDCore.io.images.seq_nrrd import read_seq_nrrd, write_seq_nrrd
from LaMoDCore.runtime.atomic import replaced_folder
from LaMoDCore.runtime.errors import LaMoDInputError
from LaMoDCore.runtime.json_file import read_json, write_json

DATASET_VERSION = 1
SPLITS = ("train", "val", "test")
COHORTS = ("dense", "cine")

#: Displacement is stored in steps of 2⁻¹³ mm (1.2e-4 mm): far below any measurement, and half the size on disk.
_DISPLACEMENT_STEP_MM = 2.0**-13


@dataclass(frozen=True)
class DatasetEntry:
    """One case in dataset.json.

    Attributes:
        id: name of the case's folder.
        subject: all cases of a subject are in one split.
        site: place of the scan.
        split: train, val or test.
        cohort: dense (measured motion) or cine (masks; motion only if it is synthetic).
        disease: free text; "" if unknown.
        level: base, mid or apex.
    """

    id: str
    subject: str
    site: str
    split: str
    cohort: str
    disease: str
    level: str


@dataclass(frozen=True, eq=False)
class DatasetIndex:
    """The contents of dataset.json.

    Attributes:
        folder: the dataset's folder.
        entries: the cases, in file order.
        about: every other key of dataset.json, such as `made_by`.
    """

    folder: Path
    entries: tuple[DatasetEntry, ...]
    about: Mapping[str, Any]

    @classmethod
    def load(cls, folder: str | Path) -> DatasetIndex:
        """Read `dataset.json`.

        Raises:
            LaMoDInputError: it is missing, is not JSON, or has other contents.
        """
        path = Path(folder) / "dataset.json"
        content = read_json(path, "name a folder that `lamod phantom` or `lamod dense` wrote")
        cases = content.pop("cases", None)
        if not isinstance(cases, list) or content.get("version") != DATASET_VERSION:
            raise LaMoDInputError(
                path,
                f"it is not a dataset index of version {DATASET_VERSION}",
                "write the dataset again with this LaMoD",
            )
        return cls(Path(folder), tuple(_entry(case, path) for case in cases), content)

    def __iter__(self) -> Iterator[DatasetEntry]:
        return iter(self.entries)

    def __len__(self) -> int:
        return len(self.entries)

    def select(self, *, split: str | None = None, cohort: str | None = None) -> tuple[DatasetEntry, ...]:
        """The entries of a split and cohort, in file order."""
        return tuple(
            entry
            for entry in self.entries
            if (split is None or entry.split == split) and (cohort is None or entry.cohort == cohort)
        )


@dataclass(frozen=True, eq=False)
class DatasetCase:
    """One case of a dataset; T frames, Z slices (1 in a phantom).

    Attributes:
        id: folder name.
        masks: bool [T, Z, H, W], the myocardium as drawn.
        ijk_to_lps: [4, 4] of the stack.
        frame_times_ms: float [T].
        rr_ms: length of the cycle.
        reference_frame: the frame to which the displacement refers.
        level: base, mid or apex.
        disease: "" if unknown.
        displacement_mm: float32 [T, Z, H, W, 3] LPS, NaN outside frame 0's myocardium; None if unknown.
        valid: bool [T, Z, H, W], whether displacement was measured; None if displacement_mm is None.
        rv_insertion_lps: [3] anterior insertion, or None.
        paired_with: id of the other scan of the same plane, or None.
        masks_true: bool [T, Z, H, W] without annotators' errors, if known.
        cine: float32 [T, Z, H, W] images on the same grid, if any.
        details: further keys of case.json.
    """

    id: str
    masks: Array
    ijk_to_lps: Array
    frame_times_ms: Array
    rr_ms: float
    reference_frame: int
    level: Level
    disease: str = ""
    displacement_mm: Array | None = None
    valid: Array | None = None
    rv_insertion_lps: Array | None = None
    paired_with: str | None = None
    masks_true: Array | None = None
    cine: Array | None = None
    details: Mapping[str, Any] | None = None

    @property
    def grids(self) -> tuple[SliceGrid, ...]:
        """One grid per slice."""
        shape = self.masks.shape[2:]
        return tuple(slice_grid(self.ijk_to_lps, k, shape) for k in range(self.masks.shape[1]))

    @property
    def grid(self) -> SliceGrid:
        """The grid of a case with one slice."""
        if self.masks.shape[1] != 1:
            raise ValueError(f"case {self.id} has {self.masks.shape[1]} slices")
        return self.grids[0]


def read_dataset_case(folder: str | Path, case_id: str, *, pictures: bool = False) -> DatasetCase:
    """Read one case.

    Args:
        folder: the dataset's folder.
        case_id: id of the case in dataset.json.
        pictures: also read cine.seq.nrrd, if it exists.

    Raises:
        LaMoDInputError: a file is missing or damaged, or contradicts another.
    """
    home = Path(folder) / "cases" / case_id
    about = read_json(home / "case.json", "write the case again, or remove it from dataset.json")
    level = about.pop("level", None)
    if level not in LEVELS:
        raise LaMoDInputError(home / "case.json", f"level is {level!r}", f"give one of {', '.join(LEVELS)}")
    stack = read_seq_nrrd(home / "masks.seq.nrrd")
    masks = stack.frames > 0
    times, rr_ms, reference = stack.frame_times_ms, stack.rr_ms, 0
    displacement = valid = None
    motion_file = home / "displacement.npz"
    if motion_file.exists():
        motion = _read_motion(motion_file)
        displacement, valid = motion["displacement_mm"], motion["valid"]
        times, rr_ms = motion["frame_times_ms"].astype(np.float64), float(motion["rr_ms"])
        reference = int(motion["reference_frame"])
        if displacement.shape != (*masks.shape, 3) or valid.shape != masks.shape or times.shape != masks.shape[:1]:
            raise LaMoDInputError(
                motion_file,
                f"displacement {displacement.shape} does not fit masks {masks.shape}",
                "write both for the same frames, slices and pixels",
            )
        if not 0 <= reference < masks.shape[0]:
            raise LaMoDInputError(
                motion_file, f"reference_frame is {reference}", f"give one of 0..{masks.shape[0] - 1}"
            )
    if times is None or rr_ms is None:
        raise LaMoDInputError(home / "masks.seq.nrrd", "it has no frame times or no rr_ms", "write them into it")
    insertion = about.pop("rv_insertion_lps", None)
    return DatasetCase(
        id=case_id,
        masks=masks,
        ijk_to_lps=stack.ijk_to_lps,
        frame_times_ms=times,
        rr_ms=rr_ms,
        reference_frame=reference,
        level=level,
        disease=str(about.pop("disease", "") or ""),
        displacement_mm=displacement,
        valid=valid,
        rv_insertion_lps=None if insertion is None else np.asarray(insertion, dtype=np.float64),
        paired_with=about.pop("paired_with", None),
        masks_true=_optional_frames(home / "masks_true.seq.nrrd", masks.shape, boolean=True),
        cine=_optional_frames(home / "cine.seq.nrrd", masks.shape, boolean=False) if pictures else None,
        details=about,
    )


def write_dataset_case(folder: str | Path, case: DatasetCase) -> Path:
    """Write one case to `folder/cases/ID`, completely or not at all; the same case gives the same bytes.

    Returns:
        The case's folder.

    Raises:
        ValueError: the shapes of the arrays do not match.
    """
    _check_shapes(case)
    cases = Path(folder) / "cases"
    with replaced_folder(cases / case.id) as temporary:
        _write_files(temporary, case)
    return cases / case.id


def write_dataset_index(
    folder: str | Path, entries: Sequence[DatasetEntry], about: Mapping[str, Any] | None = None
) -> None:
    """Write dataset.json, after the cases: a dataset without it is incomplete."""
    content = {"version": DATASET_VERSION, **(about or {}), "cases": [asdict(entry) for entry in entries]}
    write_json(Path(folder) / "dataset.json", content, indent=1)


def _write_files(home: Path, case: DatasetCase) -> None:
    def sequence(name: str, frames: Array, node_class: str) -> None:
        write_seq_nrrd(
            home / name, frames, case.ijk_to_lps, case.frame_times_ms, node_class=node_class, rr_ms=case.rr_ms
        )

    sequence("masks.seq.nrrd", case.masks.astype(np.uint8), "vtkMRMLLabelMapVolumeNode")
    if case.masks_true is not None:
        sequence("masks_true.seq.nrrd", case.masks_true.astype(np.uint8), "vtkMRMLLabelMapVolumeNode")
    if case.cine is not None:
        pictures = case.cine if case.cine.dtype == np.int16 else case.cine.astype(np.float32)
        sequence("cine.seq.nrrd", pictures, "vtkMRMLScalarVolumeNode")
    if case.displacement_mm is not None:
        steps = np.rint(case.displacement_mm.astype(np.float64) / _DISPLACEMENT_STEP_MM)
        write_npz(
            home / "displacement.npz",
            {
                "displacement_mm": (steps * _DISPLACEMENT_STEP_MM).astype(np.float32) + np.float32(0),
                "valid": np.asarray(case.valid, dtype=bool),
                "frame_times_ms": case.frame_times_ms.astype(np.float64),
                "rr_ms": np.float64(case.rr_ms),
                "reference_frame": np.int64(case.reference_frame),
            },
        )
    insertion = None if case.rv_insertion_lps is None else [round(float(v), 4) for v in case.rv_insertion_lps]
    about = {
        "level": case.level,
        "disease": case.disease,
        "rv_insertion_lps": insertion,
        "paired_with": case.paired_with,
        **(case.details or {}),
    }
    write_json(home / "case.json", about, indent=1)


def write_npz(path: Path, arrays: Mapping[str, Any], level: int = 4) -> None:
    """Write a compressed .npz without time stamps: the same arrays give the same bytes."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, value in arrays.items():
            entry = zipfile.ZipInfo(f"{name}.npy", date_time=(1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry._compresslevel = level  # type: ignore[attr-defined]
            with archive.open(entry, "w", force_zip64=True) as stream:
                np.lib.format.write_array(stream, np.asanyarray(value), allow_pickle=False)


def _check_shapes(case: DatasetCase) -> None:
    shape = case.masks.shape
    if case.masks.dtype != bool or len(shape) != 4:
        raise ValueError(f"masks must be bool [T, Z, H, W], got {case.masks.dtype} {shape}")
    if case.frame_times_ms.shape != shape[:1]:
        raise ValueError(f"frame_times_ms must have {shape[0]} entries, got {case.frame_times_ms.shape}")
    if (case.displacement_mm is None) != (case.valid is None):
        raise ValueError("displacement_mm and valid are given together or not at all")
    if case.displacement_mm is not None and case.displacement_mm.shape != (*shape, 3):
        raise ValueError(f"displacement_mm must be {(*shape, 3)}, got {case.displacement_mm.shape}")
    for name in ("valid", "masks_true", "cine"):
        value = getattr(case, name)
        if value is not None and value.shape != shape:
            raise ValueError(f"{name} must have the masks' shape {shape}, got {value.shape}")


def _entry(case: Any, path: Path) -> DatasetEntry:
    names = DatasetEntry.__dataclass_fields__
    if not isinstance(case, dict) or not isinstance(case.get("id"), str):
        raise LaMoDInputError(path, "a case has no id", "give every case its folder's name as id")
    case_id = case["id"]
    missing = [name for name in names if not isinstance(case.get(name), str)]
    if missing:
        raise LaMoDInputError(path, f"case {case_id} has no {missing[0]}", f"give it {', '.join(missing)} as text")
    if case_id in ("", ".", "..") or "/" in case_id or "\\" in case_id:
        raise LaMoDInputError(path, f"case id {case_id!r} is not a folder name", "give it a plain name")
    if case["split"] not in SPLITS or case["cohort"] not in COHORTS:
        raise LaMoDInputError(
            path,
            f"case {case_id} has split {case['split']!r} and cohort {case['cohort']!r}",
            f"give a split of {', '.join(SPLITS)} and a cohort of {', '.join(COHORTS)}",
        )
    return DatasetEntry(**{name: case[name] for name in names})


def _read_motion(path: Path) -> dict[str, Array]:
    wanted = ("displacement_mm", "valid", "frame_times_ms", "rr_ms", "reference_frame")
    try:
        with np.load(path, allow_pickle=False) as archive:
            return {name: archive[name] for name in wanted}
    except KeyError as error:
        raise LaMoDInputError(path, f"it lacks {error}", f"give {', '.join(wanted)}") from None
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise LaMoDInputError(path, f"it cannot be read ({error})", "write the case again") from None


def _optional_frames(path: Path, shape: tuple[int, ...], *, boolean: bool) -> Array | None:
    if not path.exists():
        return None
    frames = read_seq_nrrd(path).frames
    if frames.shape != shape:
        raise LaMoDInputError(
            path, f"its shape {frames.shape} is not that of the masks {shape}", "write the case again"
        )
    return np.asarray(frames > 0 if boolean else frames.astype(np.float32))

"""Dataset folders, `dataset.json` and `cases/ID/`, for training and evaluation.

dataset.json                version, cases: id, subject, site, split, cohort, disease, level
cases/ID/masks.seq.nrrd     the myocardium as drawn, 0 and 1
         displacement.npz   displacement_mm [T, Z, H, W, 3] LPS (NaN outside frame 0's myocardium),
                            valid [T, Z, H, W], frame_times_ms [T], rr_ms, reference_frame (optional file)
         case.json          level, disease, rv_insertion_lps, paired_with, level_known (false for a guess; optional),
                            contour_convention (optional)
         masks_true.seq.nrrd, cine.seq.nrrd   (optional)
"""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from LaMoDCore.heart.case import LEVELS, Level
from LaMoDCore.heart.contour_convention import CONTOUR_CONVENTIONS, ContourConvention, as_convention
from LaMoDCore.heart.geometry import Array, SliceGrid
from LaMoDCore.io.images.frame_stack import FrameStack, slice_grid
from LaMoDCore.io.images.seq_nrrd import read_seq_nrrd, write_seq_nrrd
from LaMoDCore.runtime.array_files import read_npz
from LaMoDCore.runtime.errors import LaMoDInputError
from LaMoDCore.runtime.file_names import check_name
from LaMoDCore.runtime.json_file import read_json, write_json
from LaMoDCore.runtime.output.growing_folder import GrowingFolder
from LaMoDCore.runtime.output.manifest import read_manifest
from LaMoDCore.runtime.output.new_folder import new_folder, unwritable
from LaMoDCore.runtime.schema import ArrayOf, Flag, FolderName, Kind, Numbers, Optional, Record, Text

DATASET_VERSION = 1
SPLITS = ("train", "val", "test")
COHORTS = ("dense", "cine")
#: Contents of a dataset's folder and of a case's folder, for their markers.
DATASET, CASE = "a LaMoD dataset", "a case of a LaMoD dataset"
INDEX_FILE = "dataset.json"

_ENTRY = Record(
    {
        "id": FolderName(),
        "subject": Text(filled=True),
        "site": Text(),
        "split": Text(choices=SPLITS),
        "cohort": Text(choices=COHORTS),
        "disease": Text(),
        "level": Text(),
    },
    required=("id", "subject", "site", "split", "cohort", "disease", "level"),
)
_CASE = Record(
    {
        "level": Text(choices=LEVELS),
        "disease": Optional(Text()),
        "rv_insertion_lps": Optional(Numbers((3,), -1e5, 1e5)),
        "paired_with": Optional(FolderName()),
        "motion_source": Optional(Text()),
        "level_known": Flag(),
        "contour_convention": Text(choices=CONTOUR_CONVENTIONS),
    },
    required=("level",),
)
#: Limits of times in ms, from the R wave.
_LARGEST_TIME_MS = 1e5

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


@dataclass(frozen=True)
class IndexFault:
    """Why an entry of dataset.json is invalid.

    Attributes:
        case: its id, or its number in the file.
        reason: a clause.
    """

    case: str
    reason: str


@dataclass(frozen=True, eq=False)
class DatasetIndex:
    """The contents of dataset.json.

    Attributes:
        folder: the dataset's folder.
        entries: the valid cases, in file order.
        about: every other key of dataset.json, such as `made_by`.
        faults: faults of the other cases, one by one.
    """

    folder: Path
    entries: tuple[DatasetEntry, ...]
    about: Mapping[str, Any]
    faults: tuple[IndexFault, ...] = ()

    @classmethod
    def load(cls, folder: str | Path) -> DatasetIndex:
        """Read `dataset.json`, all of whose cases must be valid.

        Raises:
            LaMoDInputError: it is missing, is not JSON, or has other contents.
        """
        index = cls.load_usable(folder)
        if index.faults:
            first, more = index.faults[0], len(index.faults) - 1
            raise LaMoDInputError(
                index.folder / "dataset.json",
                f"{first.case}: {first.reason}" + (f" ({more} more faults)" if more else ""),
                "correct it; `lamod dataset validate` lists all faults",
            )
        return index

    @classmethod
    def load_usable(cls, folder: str | Path) -> DatasetIndex:
        """Read `dataset.json`; `faults` names the cases that were left out because their entries are invalid.

        Raises:
            LaMoDInputError: it is missing, is not JSON, or is no index of a dataset.
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
        entries: list[DatasetEntry] = []
        faults: list[IndexFault] = []
        for number, case in enumerate(cases, 1):
            found = list(_ENTRY.faults(case))
            if found:
                given = case.get("id") if isinstance(case, dict) else None
                name = given if isinstance(given, str) and given.isprintable() and given else f"case {number}"
                faults += [IndexFault(name, fault) for fault in found]
            else:
                entries.append(DatasetEntry(**{name: case[name] for name in DatasetEntry.__dataclass_fields__}))
        return cls(Path(folder), tuple(entries), content, tuple(faults))

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
    def level_known(self) -> bool:
        """False if the level is a guess, which the models do not use."""
        return (self.details or {}).get("level_known") is not False

    @property
    def contour_convention(self) -> ContourConvention:
        """Convention by which the masks were drawn; auto if it is not stated."""
        return as_convention(str((self.details or {}).get("contour_convention", "auto")))

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


class DatasetCaseError(LaMoDInputError):
    """A case cannot be read.

    Attributes:
        faults: every fault: the file's name and a clause.
    """

    def __init__(self, home: Path, faults: Sequence[tuple[str, str]]) -> None:
        self.home, self.faults = home, tuple(faults)
        (name, reason), more = faults[0], len(faults) - 1
        others = f" ({more} more faults)" if more else ""
        super().__init__(home / name, reason + others, "write the case again, or remove it from dataset.json")

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.home, self.faults)


def read_dataset_case(folder: str | Path, case_id: str, *, pictures: bool = False) -> DatasetCase:
    """Read one case.

    Args:
        folder: the dataset's folder.
        case_id: id of the case in dataset.json.
        pictures: also read cine.seq.nrrd, if it exists.

    Raises:
        DatasetCaseError: a file is missing or damaged, a field is invalid, or files contradict each other.
    """
    return read_case_folder(Path(folder) / "cases" / case_id, pictures=pictures)


def read_case_folder(home: Path, *, pictures: bool = False) -> DatasetCase:
    """As `read_dataset_case`, of a case's folder outside a dataset too; its id is the folder's name."""
    faults: list[tuple[str, str]] = []
    about = _about(home, faults)
    stack = _frames(home, "masks.seq.nrrd", faults)
    if stack is None:
        raise DatasetCaseError(home, faults)
    masks = stack.frames > 0
    times, rr_ms, reference = stack.frame_times_ms, stack.rr_ms, 0
    displacement = valid = None
    if (home / "displacement.npz").exists():
        motion = _motion(home, masks.shape, faults)
        if motion is not None:
            displacement, valid = motion["displacement_mm"], motion["valid"].astype(bool)
            times, rr_ms = motion["frame_times_ms"].astype(np.float64), float(motion["rr_ms"])
            reference = int(motion["reference_frame"])
    elif times is None or rr_ms is None:
        faults.append(("masks.seq.nrrd", "it has no frame times or no rr_ms"))
    else:
        faults += [("masks.seq.nrrd", f) for f in _TIMES.faults(np.asarray(times), "frame times")]
    others = {
        name: _same_frames(home, name, masks.shape, faults)
        for name in ("masks_true.seq.nrrd", *(("cine.seq.nrrd",) if pictures else ()))
    }
    if faults or times is None or rr_ms is None:
        raise DatasetCaseError(home, faults)
    insertion = about.pop("rv_insertion_lps", None)
    true, cine = others["masks_true.seq.nrrd"], others.get("cine.seq.nrrd")
    return DatasetCase(
        id=home.name,
        masks=masks,
        ijk_to_lps=stack.ijk_to_lps,
        frame_times_ms=times,
        rr_ms=rr_ms,
        reference_frame=reference,
        level=about.pop("level"),
        disease=about.pop("disease", "") or "",
        displacement_mm=displacement,
        valid=valid,
        rv_insertion_lps=None if insertion is None else np.asarray(insertion, dtype=np.float64),
        paired_with=about.pop("paired_with", None),
        masks_true=None if true is None else true > 0,
        cine=None if cine is None else cine.astype(np.float32),
        details=about,
    )


def case_details(folder: str | Path, case_id: str) -> Mapping[str, Any]:
    """The contents of a case's case.json.

    Raises:
        LaMoDInputError: it cannot be read.
    """
    return read_json(Path(folder) / "cases" / case_id / "case.json", "write the case again")


def write_dataset_case(
    folder: str | Path,
    case: DatasetCase,
    *,
    more: Callable[[Path], None] | None = None,
    command: str = "write_dataset_case",
) -> Path:
    """Write one case to `folder/cases/ID`, completely or not at all; the same case gives the same bytes.

    Args:
        folder: the dataset, a new folder or one that LaMoD wrote. A case of the same id is replaced, unless somebody
            changed it.
        case: the case.
        more: writes further files of the case into the folder that it is called with.
        command: name of the command or program, for the markers of both folders.

    Returns:
        The case's folder.

    Raises:
        ValueError: the shapes of the arrays do not match.
        LaMoDInputError: LaMoD did not write the dataset or the case, or they cannot be written.
    """
    _check_shapes(case)
    check_name(case.id, "the case id")
    home = GrowingFolder(folder, DATASET, command).open() / "cases" / case.id
    with new_folder(home, CASE, command) as temporary:
        _write_files(temporary, case)
        if more is not None:
            more(temporary)
    return Path(folder) / "cases" / case.id


def write_dataset_index(
    folder: str | Path,
    entries: Sequence[DatasetEntry],
    about: Mapping[str, Any] | None = None,
    *,
    command: str = "write_dataset_index",
) -> None:
    """Write dataset.json, after the cases: a dataset without it is incomplete.

    Raises:
        LaMoDInputError: LaMoD did not write the dataset, or somebody changed its dataset.json.
        OSError: it cannot be written.
    """
    content = {"version": DATASET_VERSION, **(about or {}), "cases": [asdict(entry) for entry in entries]}
    dataset = GrowingFolder(folder, DATASET, command)
    dataset.open()
    dataset.write_json(INDEX_FILE, content, indent=1)


def edit_dataset_index(
    folder: str | Path, change: Callable[[dict[str, Any]], Mapping[str, Any]], *, command: str
) -> None:
    """Change dataset.json in one step; other processes that change it wait.

    Args:
        folder: the dataset, whoever wrote it.
        change: returns the new content for the present one.
        command: name of the command or program, for the marker if the dataset has one.

    Raises:
        LaMoDInputError: the file cannot be read or written, or `change` raises it.
    """
    path = Path(folder) / INDEX_FILE
    try:
        if read_manifest(Path(folder)) is None:
            write_json(path, change(read_json(path, "name the folder of a dataset")), indent=1)
        else:
            GrowingFolder(folder, DATASET, command).edit_json(INDEX_FILE, change, indent=1)
    except OSError as error:
        raise unwritable(path, error) from error


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


_TIMES = ArrayOf((-1,), "fiu", -_LARGEST_TIME_MS, _LARGEST_TIME_MS, increasing=True)


def _about(home: Path, faults: list[tuple[str, str]]) -> dict[str, Any]:
    """The contents of case.json."""
    try:
        about = read_json(home / "case.json", "")
    except LaMoDInputError as error:
        faults.append(("case.json", error.reason))
        return {}
    faults += [("case.json", fault) for fault in _CASE.faults(about)]
    return about


def _frames(home: Path, name: str, faults: list[tuple[str, str]]) -> FrameStack | None:
    try:
        return read_seq_nrrd(home / name)
    except LaMoDInputError as error:
        faults.append((name, error.reason))
        return None


def _same_frames(home: Path, name: str, shape: tuple[int, ...], faults: list[tuple[str, str]]) -> Array | None:
    """The frames of an optional file, which must have the masks' shape."""
    stack = _frames(home, name, faults) if (home / name).exists() else None
    if stack is not None and stack.frames.shape != shape:
        faults.append((name, f"its shape {stack.frames.shape} is not that of the masks {shape}"))
    return None if stack is None else stack.frames


def _motion(home: Path, shape: tuple[int, ...], faults: list[tuple[str, str]]) -> dict[str, Array] | None:
    """The arrays of displacement.npz, if they fit the masks [T, Z, H, W]."""
    kinds: dict[str, Kind] = {
        "displacement_mm": ArrayOf((*shape, 3), "f", finite=False),
        "valid": ArrayOf(shape, "biu", 0, 1),
        "frame_times_ms": ArrayOf(shape[:1], "fiu", -_LARGEST_TIME_MS, _LARGEST_TIME_MS, increasing=True),
        "rr_ms": ArrayOf((), "fiu", 1, _LARGEST_TIME_MS),
        "reference_frame": ArrayOf((), "iu", 0, shape[0] - 1),
    }
    try:
        motion = read_npz(home / "displacement.npz", tuple(kinds))
    except LaMoDInputError as error:
        faults.append(("displacement.npz", error.reason))
        return None
    found = [fault for name, kind in kinds.items() for fault in kind.faults(motion[name], name)]
    faults += [("displacement.npz", fault) for fault in found]
    return None if found else motion

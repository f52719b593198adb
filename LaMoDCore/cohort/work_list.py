"""List the cases of a folder, and read each as a `Case`."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

from LaMoDCore.heart.case import Case, InputRecord
from LaMoDCore.io.dataset.folder import DatasetIndex, case_details, read_dataset_case
from LaMoDCore.runtime.bounded_reads import sha256_of
from LaMoDCore.runtime.errors import LaMoDInputError
from LaMoDCore.runtime.file_names import free_name, name_fault, portable_name

#: File endings of masks; each such file, and each folder of files, is one case.
MASK_ENDINGS = (".seq.nrrd", ".nii.gz", ".nii", ".nrrd", ".nhdr", ".mha", ".mhd")
_DATASET_MASKS = "masks.seq.nrrd"


@dataclass(frozen=True)
class CohortCase:
    """One case to predict.

    Attributes:
        id: name of its folder in the output.
        path: a mask file or a folder of mask files; in a dataset, the folder of the case.
        dataset: the folder of the dataset; None for plain files.
        subject, site, disease: from the dataset; "" for plain files.
    """

    id: str
    path: Path
    dataset: Path | None = None
    subject: str = ""
    site: str = ""
    disease: str = ""


def list_cases(folder: Path, split: str | None = None) -> list[CohortCase]:
    """List the cases of a dataset, or of a plain folder in which every mask file and every subfolder is a case.

    Args:
        folder: the folder.
        split: only this split of a dataset.

    Raises:
        LaMoDInputError: the folder does not exist or contains no case.
    """
    if not folder.is_dir():
        raise LaMoDInputError(folder, "the folder does not exist", "name a dataset folder or a folder of mask files")
    if (folder / "dataset.json").is_file():
        cases = [
            CohortCase(e.id, folder / "cases" / e.id, folder, e.subject, e.site, e.disease)
            for e in DatasetIndex.load_usable(folder).select(split=split)
        ]
    elif split is not None:
        raise LaMoDInputError(folder, "it is not a dataset, so it has no splits", "omit --split")
    else:
        cases = _plain_cases(folder)
    if not cases:
        where = f"the split '{split}' of the dataset" if split else "the folder"
        raise LaMoDInputError(folder, f"{where} contains no case", f"give masks as {', '.join(MASK_ENDINGS)}")
    return cases


def faults_of_list(folder: Path) -> dict[str, str]:
    """Reason by case of a dataset whose entry in dataset.json is invalid; these are not in `list_cases`."""
    if not (folder / "dataset.json").is_file():
        return {}
    faults = DatasetIndex.load_usable(folder).faults
    return {fault.case: f"dataset.json: {fault.reason}" for fault in reversed(faults)}


def _plain_cases(folder: Path) -> list[CohortCase]:
    paths = [p for p in sorted(folder.iterdir()) if not p.name.startswith(".") and (p.is_dir() or _ending(p.name))]
    stems = {p: p.name if p.is_dir() else p.name.removesuffix(_ending(p.name)) for p in paths}
    count = Counter(stem.casefold() for stem in stems.values())
    cases: list[CohortCase] = []
    for p in paths:
        name = stems[p] if count[stems[p].casefold()] == 1 else p.name
        wanted = portable_name(name, "case") if name_fault(name) else name
        cases.append(CohortCase(free_name(wanted, [case.id for case in cases]), p))
    return cases


def _ending(name: str) -> str:
    return next((ending for ending in MASK_ENDINGS if name.lower().endswith(ending)), "")


def input_fingerprint(case: CohortCase) -> str:
    """SHA-256 of the masks, which identifies results of masks that were changed later.

    Raises:
        LaMoDInputError: the masks cannot be read.
    """
    return sha256_of(case.path if case.dataset is None else case.path / _DATASET_MASKS)


def stated_convention(case: CohortCase) -> str:
    """The contour convention that a case of a dataset states, on which its prediction depends; "" without one.

    Raises:
        LaMoDInputError: its case.json cannot be read.
    """
    if case.dataset is None:
        return ""
    return str(case_details(case.dataset, case.id).get("contour_convention", ""))


def read_cohort_case(case: CohortCase, *, labels: str | None = None, pictures: bool = False) -> Case:
    """Read one case.

    Args:
        case: the case.
        labels: meaning of the values in plain mask files, see `load_case`.
        pictures: whether to read a dataset's cine images.

    Raises:
        LaMoDInputError: the case cannot be read.
    """
    if case.dataset is None:
        from LaMoDCore.io import load_case

        return load_case(case.path, labels=labels)
    from LaMoDCore.evaluation.truth import drawn_case

    read = drawn_case(read_dataset_case(case.dataset, case.id, pictures=pictures))
    return replace(read, inputs=(InputRecord(_DATASET_MASKS, input_fingerprint(case)),))

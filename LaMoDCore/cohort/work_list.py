"""Which cases a folder holds, and each as a `Case`."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

from LaMoDCore.heart.case import Case, InputRecord
from LaMoDCore.io.dataset.folder import DatasetIndex, read_dataset_case
from LaMoDCore.runtime.bounded_reads import sha256_of
from LaMoDCore.runtime.errors import LaMoDInputError

#: Endings of mask files that are a case each; a folder of files is one too.
MASK_ENDINGS = (".seq.nrrd", ".nii.gz", ".nii", ".nrrd", ".nhdr", ".mha", ".mhd")
_DATASET_MASKS = "masks.seq.nrrd"


@dataclass(frozen=True)
class CohortCase:
    """One case to predict.

    Attributes:
        id: its folder in the output.
        path: a mask file or a folder of them; of a dataset, the case's folder.
        dataset: the dataset's folder, None for plain files.
        subject, site, disease: as the dataset says; "" elsewhere.
    """

    id: str
    path: Path
    dataset: Path | None = None
    subject: str = ""
    site: str = ""
    disease: str = ""


def list_cases(folder: Path, split: str | None = None) -> list[CohortCase]:
    """The cases of a dataset folder, or of a plain one in which every mask file and every subfolder is a case.

    Args:
        folder: where they are.
        split: only this split of a dataset.

    Raises:
        LaMoDInputError: there is no such folder, or nothing in it.
    """
    if not folder.is_dir():
        raise LaMoDInputError(folder, "there is no such folder", "name a dataset folder or a folder of mask files")
    if (folder / "dataset.json").is_file():
        cases = [
            CohortCase(e.id, folder / "cases" / e.id, folder, e.subject, e.site, e.disease)
            for e in DatasetIndex.load(folder).select(split=split)
        ]
    elif split is not None:
        raise LaMoDInputError(folder, "it is no dataset, so it has no splits", "leave --split out")
    else:
        cases = _plain_cases(folder)
    if not cases:
        where = f"the split '{split}' of the dataset" if split else "the folder"
        raise LaMoDInputError(folder, f"{where} holds no case", f"give masks as {', '.join(MASK_ENDINGS)}")
    return cases


def _plain_cases(folder: Path) -> list[CohortCase]:
    paths = [p for p in sorted(folder.iterdir()) if not p.name.startswith(".") and (p.is_dir() or _ending(p.name))]
    stems = {p: p.name if p.is_dir() else p.name.removesuffix(_ending(p.name)) for p in paths}
    count = Counter(stems.values())
    return [CohortCase(stems[p] if count[stems[p]] == 1 else p.name, p) for p in paths]


def _ending(name: str) -> str:
    return next((ending for ending in MASK_ENDINGS if name.lower().endswith(ending)), "")


def input_fingerprint(case: CohortCase) -> str:
    """SHA-256 of the masks, so that a result can be told from one of masks that have changed since.

    Raises:
        LaMoDInputError: they cannot be read.
    """
    return sha256_of(case.path if case.dataset is None else case.path / _DATASET_MASKS)


def read_cohort_case(case: CohortCase, *, labels: str | None = None, pictures: bool = False) -> Case:
    """Read one case.

    Args:
        case: which.
        labels: what the numbers of plain mask files mean, as `load_case` takes it.
        pictures: read a dataset's cine pictures too.

    Raises:
        LaMoDInputError: with the file, what is wrong with it and what to do.
    """
    if case.dataset is None:
        from LaMoDCore.io import load_case

        return load_case(case.path, labels=labels)
    from LaMoDCore.evaluation.truth import drawn_case

    read = drawn_case(read_dataset_case(case.dataset, case.id, pictures=pictures))
    return replace(read, inputs=(InputRecord(_DATASET_MASKS, input_fingerprint(case)),))

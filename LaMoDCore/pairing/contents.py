"""Find the scans of one person in a file or folder: DICOM, workspaces, arrays, cases of a dataset and mask files."""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from LaMoDCore.heart.case import MIN_FRAMES
from LaMoDCore.io.dataset.folder import INDEX_FILE, DatasetIndex
from LaMoDCore.io.dense.arrays import JSON_NAME
from LaMoDCore.io.dense.workspace import patient_of_workspace
from LaMoDCore.io.dicom.file import is_dicom_file, parsing_dicom, read_dataset
from LaMoDCore.io.files.image_file import VOLUME_SUFFIXES
from LaMoDCore.runtime.errors import LaMoDInputError

WORKSPACE_SUFFIXES = (".dns", ".mat")
_CASE_FILE = "case.json"


@dataclass(frozen=True)
class Identity:
    """What the headers of DICOM files and workspaces state about the person and the examination.

    Attributes:
        patients: PatientID, or the name without one; it never leaves the memory of the process.
        examinations: StudyInstanceUID.
        frames_of_reference: FrameOfReferenceUID.
    """

    patients: frozenset[str] = frozenset()
    examinations: frozenset[str] = frozenset()
    frames_of_reference: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Contents:
    """The scans of one person.

    Attributes:
        name: name of the folder or file, for messages on the terminal.
        root: the folder or file.
        dicom: DICOM files, segmentations among them.
        volumes: NIfTI, NRRD and MetaImage files, and folders with one such file per frame.
        workspaces: DENSEanalysis workspaces.
        arrays: folders of DENSE arrays.
        cases: folders of dataset cases.
        identities: identity of each DICOM file and workspace that has one.
    """

    name: str
    root: Path
    dicom: tuple[Path, ...] = ()
    volumes: tuple[Path, ...] = ()
    workspaces: tuple[Path, ...] = ()
    arrays: tuple[Path, ...] = ()
    cases: tuple[Path, ...] = ()
    identities: dict[Path, Identity] = field(default_factory=dict, compare=False)

    @property
    def is_empty(self) -> bool:
        return not (self.dicom or self.volumes or self.workspaces or self.arrays or self.cases)

    @property
    def identity(self) -> Identity:
        """The union over the files."""
        found = list(self.identities.values())
        return Identity(
            frozenset().union(*(each.patients for each in found)),
            frozenset().union(*(each.examinations for each in found)),
            frozenset().union(*(each.frames_of_reference for each in found)),
        )

    def by_patient(self) -> dict[str, Contents]:
        """The scans of each patient, by PatientID; of the other files only masks in the patient's own folder.

        The parts have different names: that of the patient's own folder, else that of the first file, relative to the
        root.
        """
        files: dict[str, list[Path]] = defaultdict(list)
        for path, identity in self.identities.items():
            for patient in identity.patients:
                files[patient].append(path)
        parts = {patient: self._part(paths) for patient, paths in files.items()}
        names = Counter(part.name for part in parts.values())
        return {
            patient: part if names[part.name] == 1 else replace(part, name=self._relative(files[patient][0]))
            for patient, part in parts.items()
        }

    def without_patient(self) -> tuple[str, ...]:
        """Scans that `by_patient` leaves out, relative to the root: workspaces, folders of images, arrays and cases."""
        used = {path for part in self.by_patient().values() for path in (*part.dicom, *part.volumes, *part.workspaces)}
        images = [path.parent if path.is_file() else path for path in (*self.dicom, *self.volumes) if path not in used]
        others = [path for path in self.workspaces if path not in used]
        return tuple(dict.fromkeys(map(self._relative, (*images, *others, *self.arrays, *self.cases))))

    def of_examination(self, examination: frozenset[str]) -> Contents:
        """The scans without the DICOM files of other examinations than these StudyInstanceUIDs."""
        kept = {path: identity for path, identity in self.identities.items() if identity.examinations <= examination}
        return replace(self, dicom=tuple(path for path in self.dicom if path in kept), identities=kept)

    def _relative(self, path: Path) -> str:
        inside = path != self.root and self.root in path.parents
        return path.relative_to(self.root).as_posix() if inside else self.name

    def _own_folder(self, paths: Sequence[Path]) -> Path | None:
        """The outermost folder below the root that holds all of these files, and no other with an identity."""
        chosen = set(paths)
        common = set.intersection(*(set(path.parents) for path in paths))
        for folder in sorted((each for each in common if self.root in each.parents), key=lambda each: len(each.parts)):
            if not any(folder in path.parents and path not in chosen for path in self.identities):
                return folder
        return None

    def _part(self, paths: Sequence[Path]) -> Contents:
        chosen = set(paths)
        own = self._own_folder(paths)
        name = self._relative(paths[0] if own is None else own)
        return Contents(
            name.removesuffix(paths[0].suffix) if paths[0] in self.workspaces and own is None else name,
            self.root if own is None else own,
            dicom=tuple(path for path in self.dicom if path in chosen),
            volumes=tuple(path for path in self.volumes if own is not None and own in path.parents),
            workspaces=tuple(path for path in self.workspaces if path in chosen),
            identities={path: self.identities[path] for path in paths},
        )


def contents_of(path: Path) -> Contents:
    """Everything in a file or folder that can belong to a scan.

    Raises:
        LaMoDInputError: it does not exist, or a file cannot be read.
    """
    if not path.exists():
        raise LaMoDInputError(path, "there is no such file or folder", "check the path")
    found: dict[str, list[Path]] = {name: [] for name in ("dicom", "volumes", "workspaces", "arrays", "cases")}
    if path.is_file():
        _sort_in(path, found)
    else:
        for folder, files in _folders(path):
            if _CASE_FILE in files:
                found["cases"].append(folder)
            elif JSON_NAME in files:
                found["arrays"].append(folder)
            else:
                _sort_folder(folder, files, found)
    identities = {file: _identity_of(file) for file in found["dicom"]}
    identities |= {file: Identity(patient_of_workspace(file)) for file in found["workspaces"]}
    return Contents(
        path.resolve().name if path.is_dir() else path.stem,
        path,
        identities=identities,
        **{name: tuple(paths) for name, paths in found.items()},
    )


def units_of(path: Path, cohort: str) -> tuple[Contents, ...]:
    """The contents of each subfolder and workspace of a folder; of a dataset, the cases of each subject.

    Args:
        path: the folder.
        cohort: cases of a dataset that count: dense or cine.
    """
    if path.is_dir() and (path / INDEX_FILE).is_file():
        subjects: dict[str, list[Path]] = defaultdict(list)
        for entry in DatasetIndex.load(path):
            if entry.cohort == cohort:
                subjects[entry.subject].append(path / "cases" / entry.id)
        return tuple(Contents(subject, path, cases=tuple(cases)) for subject, cases in subjects.items())
    if not path.is_dir():
        return ()
    children = [child for child in sorted(path.iterdir()) if not child.name.startswith(".")]
    wanted = [child for child in children if child.is_dir() or child.suffix.lower() in WORKSPACE_SUFFIXES]
    return tuple(unit for child in wanted if not (unit := contents_of(child)).is_empty)


def _folders(path: Path) -> Iterator[tuple[Path, list[str]]]:
    """Folders and the names of their files; the inside of a case or of DENSE arrays is not searched."""
    for folder, subfolders, files in os.walk(path):
        names = [name for name in sorted(files) if not name.startswith(".")]
        subfolders[:] = [] if {_CASE_FILE, JSON_NAME} & set(names) else sorted(s for s in subfolders if s[0] != ".")
        yield Path(folder), names


def _sort_folder(folder: Path, names: Sequence[str], found: dict[str, list[Path]]) -> None:
    volumes = [name for name in names if name.lower().endswith(VOLUME_SUFFIXES)]
    numbered = len(volumes) >= MIN_FRAMES and not any(name.lower().endswith(".seq.nrrd") for name in volumes)
    if numbered:  # one volume per frame
        found["volumes"].append(folder)
    for name in names:
        if not (numbered and name in volumes):
            _sort_in(folder / name, found)


def _sort_in(file: Path, found: dict[str, list[Path]]) -> None:
    name = file.name.lower()
    if name.endswith(WORKSPACE_SUFFIXES):
        found["workspaces"].append(file)
    elif name.endswith(VOLUME_SUFFIXES):
        found["volumes"].append(file)
    elif is_dicom_file(file):
        found["dicom"].append(file)


def _identity_of(file: Path) -> Identity:
    with suppress(LaMoDInputError):  # a file that cannot be read is reported when the images are read
        header = read_dataset(file, pixels=False)
        with parsing_dicom(file):
            values = [
                str(header.get("PatientID") or header.get("PatientName") or ""),
                str(header.get("StudyInstanceUID") or ""),
                str(header.get("FrameOfReferenceUID") or ""),
            ]
        patient, study, frame = (frozenset([value.strip()] if value.strip() else []) for value in values)
        return Identity(patient, study, frame)
    return Identity()

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import slicer
from slicer.i18n import tr as _

from LaMoDSlicerLib.Heart.HeartSeries import HeartSeries
from LaMoDSlicerLib.Scene.FrameSequence import FrameSequence


@dataclass(frozen=True)
class Examination:
    """Of which patient and study a series is, as far as it is known.

    Attributes:
        patient: digest of the patient's ID or, without an ID, of the name; empty if neither is known.
        study: its instance UID, or empty.
        date: of the study, or empty.
    """

    patient: str = ""
    study: str = ""
    date: str = ""

    #: Attributes of a cine's browser or of a sequence of masks that LaMoD loaded from DICOM files.
    _ATTRIBUTES = ("LaMoD.Patient", "LaMoD.Study", "LaMoD.StudyDate")

    @classmethod
    def of(cls, series: HeartSeries) -> "Examination":
        """That of the cine or, if it is not known, of the masks."""
        found = cls.ofNode(series.cine)
        return found if found != cls() else cls.ofNode(series.masks)

    @classmethod
    def ofNode(cls, node: Any) -> "Examination":
        """That of a cine or masks."""
        nodes = _nodesOf(node)
        for each in nodes:
            stored = cls(*(each.GetAttribute(name) or "" for name in cls._ATTRIBUTES))
            if stored != cls():
                return stored
        return next((found for found in map(cls._inHierarchy, nodes) if found != cls()), cls())

    @classmethod
    def _inHierarchy(cls, node: Any) -> "Examination":
        hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
        item = hierarchy.GetItemByDataNode(node) if hierarchy is not None else 0
        if not item:
            return cls()
        patient, study = (hierarchy.GetItemAncestorAtLevel(item, level) for level in ("Patient", "Study"))
        name = uid = date = ""
        if patient:
            name = hierarchy.GetItemAttribute(patient, "DICOM.PatientID")
            name = name or hierarchy.GetItemAttribute(patient, "DICOM.PatientName") or hierarchy.GetItemName(patient)
        if study:
            uid = hierarchy.GetItemUID(study, "DICOM") or ""
            date = hierarchy.GetItemAttribute(study, "DICOM.StudyDate") or ""
        return cls(_digest(name), uid, date)

    @classmethod
    def ofDicom(cls, file: Path) -> "Examination":
        """That of a DICOM file.

        Raises:
            LaMoDInputError: the file cannot be read.
        """
        from LaMoDCore.io.dicom.file import read_dataset

        header = read_dataset(file, pixels=False)
        patient = str(header.get("PatientID") or header.get("PatientName") or "")
        return cls(_digest(patient), str(header.get("StudyInstanceUID", "")), str(header.get("StudyDate", "")))

    def keep(self, node: Any) -> None:
        """Store it in a browser or a sequence; the patient's ID is not in the scene."""
        for name, value in zip(self._ATTRIBUTES, (self.patient, self.study, self.date), strict=True):
            node.SetAttribute(name, value or None)

    def whyNot(self, other: "Examination") -> str:
        """Why two series are not of one heart; empty if they may be."""
        if self.patient and other.patient and self.patient != other.patient:
            return _("of another patient")
        isOther = bool(self.study and other.study) and self.study != other.study
        return _("of another examination") if isOther and (self.date != other.date or not self.date) else ""


def _digest(text: str) -> str:
    return hashlib.sha256(text.strip().encode()).hexdigest()[:16] if text and text.strip() else ""


def _nodesOf(node: Any) -> list[Any]:
    """A node, and those of its sequence, that may have the patient."""
    if node is None:
        return []
    if node.IsA("vtkMRMLSequenceBrowserNode"):
        master = node.GetMasterSequenceNode()
        found = [node, master, node.GetProxyNode(master) if master is not None else None]
    else:
        found = [node, FrameSequence(node).sequenceNode]
    return [each for each in found if each is not None]

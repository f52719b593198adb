from typing import Any

import slicer


class PatientIdentity:
    """Whose cine a result was made of, as the subject hierarchy knows it. Asked only where the person wants it."""

    _NAME, _ID, _BIRTH = "DICOM.PatientName", "DICOM.PatientID", "DICOM.PatientBirthDate"

    @classmethod
    def of(cls, node: Any) -> dict[str, str]:
        """ "PatientName", "PatientID", "PatientBirthDate" of a node's patient, as far as known; else empty."""
        hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
        item = hierarchy.GetItemByDataNode(node) if node is not None else 0
        patient = hierarchy.GetItemAncestorAtLevel(item, "Patient") if item else 0
        if not patient:
            return {}
        found = {
            "PatientName": hierarchy.GetItemAttribute(patient, cls._NAME) or hierarchy.GetItemName(patient),
            "PatientID": hierarchy.GetItemAttribute(patient, cls._ID),
            "PatientBirthDate": hierarchy.GetItemAttribute(patient, cls._BIRTH),
        }
        return {key: value for key, value in found.items() if value}

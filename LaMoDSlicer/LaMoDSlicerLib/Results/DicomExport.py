import tempfile
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import slicer

from LaMoDSlicerLib.Display.Quantities import OverlayQuantity
from LaMoDSlicerLib.Display.SpatialFields import SpatialFields
from LaMoDSlicerLib.Results import ResultContours
from LaMoDSlicerLib.Results.ResultNode import ResultNode
from LaMoDSlicerLib.Results.ResultProvenance import ResultProvenance
from LaMoDSlicerLib.Results.ResultReport import ResultReport
from LaMoDSlicerLib.Results.ResultScene import ResultScene
from LaMoDSlicerLib.Scene.VolumeGeometry import VolumeGeometry
from LaMoDSlicerLib.Worker import Dependencies


class DicomExport:
    """A result as DICOM files, written with highdicom: the report page as a secondary capture, and Ecc at end-systole
    as a parametric map of each series whose DICOM files are known.

    Args:
        node: the result.
        identity: the patient's name, ID and birth date; empty for none.
    """

    MAKER: ClassVar = {"manufacturer": "LaMoD", "manufacturer_model_name": "LaMoD Strain", "device_serial_number": "0"}
    #: Value of pixels outside the wall, declared as padding; 0 would be a strain.
    PADDING = -1000.0

    def __init__(self, node: ResultNode, identity: dict[str, str]) -> None:
        self._node, self._identity = node, identity

    #: Requirements of the export.
    PACKAGES = (*Dependencies.FOR_DICOM, *Dependencies.FOR_PICTURES)

    def names(self) -> list[str]:
        """Names of the files that `write` writes."""
        browsers = dict.fromkeys(filter(None, self._node.browsers()))
        known = [bool(self.sourceFiles(ResultScene(browser))) for browser in browsers]
        maps = [f"strain-ecc-{number}.dcm" for number, isKnown in enumerate(known, 1) if isKnown]
        return ["strain-report.dcm", *maps]

    def write(self, folder: Path) -> list[Path]:
        """Write the files and return their paths.

        Raises:
            InputError: a package is missing and was not installed.
            OSError: the files cannot be written.
        """
        Dependencies.ensureOnly(self.PACKAGES)
        from pydicom.uid import generate_uid

        sources = [self._sourceOf(b) for b in dict.fromkeys(filter(None, self._node.browsers()))]
        known = [source for _scene, source in sources if source is not None]
        study = known[0].StudyInstanceUID if known and self._identity else str(generate_uid())
        files = [self._capture(folder / "strain-report.dcm", study)]
        for number, (scene, source) in enumerate(sources, 1):
            if source is not None:
                if not self._identity:
                    self._forget(source, study)
                files.append(self._map(folder / f"strain-ecc-{number}.dcm", scene, source))
        return files

    def _sourceOf(self, browser: Any) -> tuple[ResultScene, Any]:
        """(result on a browser, header of the first DICOM file of its cine or None)."""
        import pydicom

        scene = ResultScene(browser)
        files = self.sourceFiles(scene)
        return scene, pydicom.dcmread(files[0], stop_before_pixels=True) if files else None

    @staticmethod
    def _forget(source: Any, study: str) -> None:
        """Remove patient data from a header: a map made from it inherits patient, study and references."""
        from pydicom.uid import generate_uid

        source.PatientName, source.PatientID, source.StudyInstanceUID = "Anonymous^", "anonymous", study
        empty = ("PatientBirthDate", "PatientSex", "AccessionNumber", "StudyID", "StudyDate", "StudyTime")
        for keyword in (*empty, "ReferringPhysicianName"):
            setattr(source, keyword, "")
        for keyword in ("SeriesInstanceUID", "SOPInstanceUID", "FrameOfReferenceUID"):
            setattr(source, keyword, str(generate_uid()))

    def _capture(self, path: Path, study: str) -> Path:
        from highdicom.sc import SCImage
        from pydicom.uid import generate_uid

        pixels = self._page()
        image = SCImage(
            pixel_array=pixels,
            photometric_interpretation="RGB",
            bits_allocated=8,
            coordinate_system="PATIENT",
            study_instance_uid=study,
            series_instance_uid=str(generate_uid()),
            series_number=1,
            sop_instance_uid=str(generate_uid()),
            instance_number=1,
            manufacturer=self.MAKER["manufacturer"],
            patient_id=self._identity.get("PatientID") or "anonymous",
            patient_name=self._identity.get("PatientName") or "Anonymous^",
            patient_birth_date=self._identity.get("PatientBirthDate"),
            patient_orientation=("L", "P"),
        )
        image.SeriesDescription = "LaMoD strain report; research use only" + self._remark()
        image.ImageComments = "; ".join(f"{k} {v}" for k, v in ResultProvenance(self._node).facts().items())[:10000]
        image.save_as(path)
        return path

    def _remark(self) -> str:
        """The mark of a result that is out of date; a series description has at most 64 characters."""
        return "; OUT OF DATE" if ResultContours.isOutOfDate(self._node) else ""

    def _page(self) -> np.ndarray:
        """uint8 [H, W, 3] of the report."""
        import vtk
        from vtk.util.numpy_support import vtk_to_numpy

        with tempfile.TemporaryDirectory(dir=slicer.app.temporaryPath) as folder:
            file = Path(folder) / "report.png"
            ResultReport(self._node).write(file, self._identity)
            reader = vtk.vtkPNGReader()
            reader.SetFileName(str(file))
            reader.Update()
            image = reader.GetOutput()
            width, height, _depth = image.GetDimensions()
            return vtk_to_numpy(image.GetPointData().GetScalars()).reshape(height, width, -1)[::-1, :, :3].copy()

    @staticmethod
    def sourceFiles(scene: ResultScene) -> list[str]:
        """The DICOM files of a cine, by the instance UIDs that Slicer's DICOM reader stored; may be empty."""
        volume = scene.background()
        uids = ((volume.GetAttribute("DICOM.instanceUIDs") if volume is not None else None) or "").split()
        database = getattr(slicer, "dicomDatabase", None)
        files = [database.fileForInstance(uid) for uid in uids] if database is not None else []
        return [file for file in files if file]

    def _map(self, path: Path, scene: ResultScene, source: Any) -> Path:
        """Ecc at end-systole in per cent, on the geometry of the cine; `PADDING` outside the wall."""
        from highdicom import (
            PixelMeasuresSequence,
            PlaneOrientationSequence,
            PlanePositionSequence,
            VOILUTTransformation,
        )
        from highdicom.pm import ParametricMap, RealWorldValueMapping
        from pydicom.sr.codedict import codes
        from pydicom.uid import generate_uid

        sequence = scene.sequence(OverlayQuantity.ECC.value)
        volume = sequence.GetNthDataNode(self._node.numbers().endSystole)
        geometry = VolumeGeometry.ofVolume(volume)
        percent = slicer.util.arrayFromVolume(volume).astype(np.float32)
        percent = np.where(percent > SpatialFields.OUTSIDE / 2, percent, self.PADDING).astype(np.float32)
        affine = geometry.ijkToLps
        spacing = np.linalg.norm(affine[:3, :3], axis=0)
        mapping = RealWorldValueMapping(
            lut_label="Ecc",
            lut_explanation="circumferential Green-Lagrange strain at end-systole",
            unit=codes.UCUM.Percent,
            value_range=(-100.0, 100.0),
            slope=1.0,
            intercept=0.0,
        )
        made = ParametricMap(
            source_images=[source],
            pixel_array=percent,
            series_instance_uid=str(generate_uid()),
            series_number=901,
            sop_instance_uid=str(generate_uid()),
            instance_number=1,
            software_versions=str(self._node.numbers().summary.get("provenance", {}).get("lamod_version", "")),
            contains_recognizable_visual_features=False,
            real_world_value_mappings=[mapping],
            voi_lut_transformations=[VOILUTTransformation(window_center=0.0, window_width=50.0)],
            pixel_measures=PixelMeasuresSequence(
                pixel_spacing=(float(spacing[1]), float(spacing[0])),
                slice_thickness=float(spacing[2]),
                spacing_between_slices=float(spacing[2]),
            ),
            plane_orientation=PlaneOrientationSequence(
                "PATIENT", tuple((affine[:3, :2] / spacing[:2]).T.ravel().tolist())
            ),
            plane_positions=[
                PlanePositionSequence("PATIENT", tuple((affine @ [0, 0, k, 1])[:3].tolist()))
                for k in range(len(percent))
            ],
            **self.MAKER,
        )
        made.FloatPixelPaddingValue = self.PADDING
        made.SeriesDescription = "LaMoD Ecc at end-systole [%]; research use only" + self._remark()
        made.save_as(path)
        return path

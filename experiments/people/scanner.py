"""Write a scanned person as a scanner exports it: classic or enhanced cine, cine DENSE, and series that are neither."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.sequence import Sequence as DicomSequence
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

from experiments.people.study import KE_Z, ScannedPerson, ScannedPlane, phase_12bit
from LaMoDCore.heart.geometry import Array, SliceGrid
from LaMoDCore.io.images.seq_nrrd import write_seq_nrrd

_MR, _ENHANCED = "1.2.840.10008.5.1.4.1.1.4", "1.2.840.10008.5.1.4.1.1.4.1"
_SCREENSHOT = "1.2.840.10008.5.1.4.1.1.7"
#: Scale of the encoding in the comments of every third scanner; `EncFreq` × `Scale` is ke.
_SCALE = 2.0


@dataclass
class Examination:
    """Identity of an examination, and the numbers given to its series and images.

    Attributes:
        patient_id, name, birth_date, date: as in the headers.
        study, frame_of_reference: UIDs.
    """

    patient_id: str
    name: str
    birth_date: str
    date: str
    study: str = field(default_factory=lambda: str(generate_uid()))
    frame_of_reference: str = field(default_factory=lambda: str(generate_uid()))
    _series: int = 0

    def next_series(self) -> dict[str, Any]:
        """Attributes of a new series."""
        self._series += 1
        time = f"{9 + self._series // 60:02d}{self._series % 60:02d}00"
        return {
            "SeriesInstanceUID": generate_uid(),
            "SeriesNumber": self._series,
            "StudyInstanceUID": self.study,
            "FrameOfReferenceUID": self.frame_of_reference,
            "PatientID": self.patient_id,
            "PatientName": self.name,
            "PatientBirthDate": self.birth_date,
            "StudyDate": self.date,
            "SeriesDate": self.date,
            "SeriesTime": time,
            "AcquisitionDate": self.date,
            "AcquisitionTime": time,
            "Manufacturer": "LaMoD phantom",
        }


def write_cine_study(folder: Path, person: ScannedPerson, examination: Examination, *, enhanced: bool) -> None:
    """Write localisers, a series for each cine slice, a long-axis cine and late enhancement, with contours.

    Args:
        folder: the person's folder of the cine study.
        person: the scans.
        examination: identity.
        enhanced: one multi-frame file per slice instead of a file per image.
    """
    write_other_series(folder / "localiser", person.planes[0].cine.grid, examination, "localizer 3 planes")
    for number, plane in enumerate(person.planes, start=1):
        case = plane.cine
        assert case.cine is not None
        pictures, times = case.cine[:, 0].astype(np.uint16), case.frame_times_ms
        attributes = {**examination.next_series(), "SeriesDescription": f"cine_sax_{number}", "Modality": "MR"}
        home = folder / f"sax{number}"
        if enhanced:
            write_enhanced(home, pictures, case.grid, times, case.rr_ms, attributes)
        else:
            write_classic(home, pictures, case.grid, times, case.rr_ms, attributes)
        write_contours(home / "contours.seq.nrrd", case.masks, case.ijk_to_lps, times, case.rr_ms)
    grid = person.planes[0].cine.grid
    write_long_axis(folder / "4ch", person.planes[0], examination)
    write_other_series(folder / "lge", grid, examination, "LGE psir")
    write_screenshot(folder / "report", examination)


def write_dense_study(
    folder: Path, person: ScannedPerson, examination: Examination, *, without: dict[int, str] | None = None
) -> None:
    """Write localisers and, for each slice, magnitude and the phase of x, y and z encodings, with contours.

    Args:
        folder: the person's folder of the DENSE study.
        person: the scans.
        examination: identity.
        without: images that were not exported, by plane: "x", "y" or "all".
    """
    write_other_series(folder / "localiser", person.planes[0].dense.grid, examination, "localizer 3 planes")
    swap = person.number % 2 == 0
    scale = _SCALE if person.number % 3 == 0 else 1.0
    for index, plane in enumerate(person.planes):
        lost = (without or {}).get(index, "")
        if lost != "all":
            _write_dense_slice(folder, index, plane, examination, swap=swap, scale=scale, lost=lost)
    write_other_series(folder / "t1map", person.planes[0].cine.grid, examination, "T1 map MOLLI")


def _write_dense_slice(
    folder: Path, index: int, plane: ScannedPlane, examination: Examination, *, swap: bool, scale: float, lost: str
) -> None:
    images = plane.dense
    negate = (swap, False)
    phases = {}
    for axis in (0, 1):
        sign = -1.0 if negate[axis] else 1.0
        phases["yx"[axis] if swap else "xy"[axis]] = (phase_12bit(sign * images.phase[:, axis]), images.ke[axis])
    phases["z"] = (plane.z_phase, KE_Z)
    stacks: list[tuple[str, Array, float | None]] = [("overall mag", images.magnitude.astype(np.uint16), None)]
    stacks += [(f"{axis}-enc pha", pixels, ke) for axis, (pixels, ke) in sorted(phases.items())]
    tail = f"RCswap:{int(swap)} RCSflip:{int(negate[0])}/{int(negate[1])}/0"
    for kind, pixels, ke in stacks:
        if lost and kind.startswith(f"{lost}-enc"):
            continue
        encoding = "" if ke is None else f"Scale:{scale:.6f} EncFreq:{ke / scale:.6g} "
        comments = [
            f"DENSE {kind} - {encoding}Rep:0/1 Slc:0/1 Par:0/1 Phs:{t}/{len(pixels)} {tail}" for t in range(len(pixels))
        ]
        attributes = {**examination.next_series(), "SeriesDescription": f"cine_DENSE_{index + 1}", "Modality": "MR"}
        attributes["ImageType"] = ["ORIGINAL", "PRIMARY", "P" if ke is not None else "M"]
        name = f"dense{index + 1}-{kind.split()[0]}-{kind.split()[1]}"
        write_classic(
            folder / name, pixels, images.grid, images.frame_times_ms, images.rr_ms, attributes, comments=comments
        )
    assert images.myocardium is not None and images.reference_myocardium is not None
    masks = np.concatenate([images.reference_myocardium[None], images.myocardium])[:, None]
    times = np.concatenate([[0.0], images.frame_times_ms])
    write_contours(folder / f"dense{index + 1}-contours.seq.nrrd", masks, images.grid.ijk_to_lps, times, images.rr_ms)


def write_contours(path: Path, masks: Array, ijk_to_lps: Array, times_ms: Array, rr_ms: float) -> None:
    """Write masks of the myocardium as a sequence NRRD on the pixels of the pictures."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_seq_nrrd(
        path, masks.astype(np.uint8), ijk_to_lps, times_ms, node_class="vtkMRMLLabelMapVolumeNode", rr_ms=rr_ms
    )


def write_classic(
    folder: Path,
    pictures: Array,
    grid: SliceGrid,
    times_ms: Array | None,
    rr_ms: float | None,
    attributes: dict[str, Any],
    *,
    comments: Sequence[str] = (),
) -> None:
    """Write a file per image; the names do not follow the order in time.

    Args:
        folder: created if necessary.
        pictures: uint16 [T, H, W].
        grid: their pixels.
        times_ms: trigger times [T]; None for single images.
        rr_ms: nominal interval.
        attributes: of the series.
        comments: ImageComments of each image.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for t, picture in enumerate(pictures):
        ds = _dataset(_MR, {"ImageType": ["ORIGINAL", "PRIMARY", "M"], **attributes, "InstanceNumber": t + 1})
        position, orientation, spacing = _geometry(grid)
        ds.ImagePositionPatient, ds.ImageOrientationPatient, ds.PixelSpacing = position, orientation, spacing
        ds.SliceThickness = text(grid.slice_spacing_mm)
        if times_ms is not None:
            ds.TriggerTime = text(times_ms[t])
        if rr_ms is not None:
            ds.NominalInterval = round(rr_ms)
        if comments:
            ds.ImageComments = comments[t]
        _set_pixels(ds, picture)
        ds.save_as(folder / f"IM{(t * 7919) % 10007:05d}.dcm", enforce_file_format=True)


def write_enhanced(
    folder: Path, pictures: Array, grid: SliceGrid, times_ms: Array, rr_ms: float, attributes: dict[str, Any]
) -> None:
    """Write the images of a slice as one enhanced multi-frame file."""
    folder.mkdir(parents=True, exist_ok=True)
    ds = _dataset(_ENHANCED, {**attributes, "InstanceNumber": 1})
    position, orientation, spacing = _geometry(grid)
    shared = Dataset()
    shared.PlaneOrientationSequence = _item(ImageOrientationPatient=orientation)
    shared.PixelMeasuresSequence = _item(PixelSpacing=spacing, SliceThickness=text(grid.slice_spacing_mm))
    ds.SharedFunctionalGroupsSequence = DicomSequence([shared])
    groups = []
    for t in range(len(pictures)):
        group = Dataset()
        group.PlanePositionSequence = _item(ImagePositionPatient=position)
        group.CardiacSynchronizationSequence = _item(
            NominalCardiacTriggerDelayTime=float(times_ms[t]), RRIntervalTimeNominal=float(round(rr_ms))
        )
        group.FrameContentSequence = _item(TemporalPositionIndex=t + 1, InStackPositionNumber=1)
        groups.append(group)
    ds.PerFrameFunctionalGroupsSequence = DicomSequence(groups)
    ds.NumberOfFrames = len(groups)
    _set_pixels(ds, pictures)
    ds.save_as(folder / "enhanced.dcm", enforce_file_format=True)


def write_other_series(folder: Path, grid: SliceGrid, examination: Examination, description: str) -> None:
    """Write three single images in the planes of a slice and across it."""
    attributes = {**examination.next_series(), "SeriesDescription": description, "Modality": "MR"}
    pictures = np.random.default_rng(0).integers(0, 900, (1, *grid.shape)).astype(np.uint16)
    x, y = grid.directions.T
    for number, columns in enumerate(((x, y), (x, grid.normal), (y, grid.normal))):
        write_classic(folder / str(number), pictures, _turned(grid, *columns), None, None, attributes)


def write_long_axis(folder: Path, plane: ScannedPlane, examination: Examination) -> None:
    """Write a cine in a plane across the short axis."""
    assert plane.cine.cine is not None
    grid = plane.cine.grid
    attributes = {**examination.next_series(), "SeriesDescription": "cine_4ch", "Modality": "MR"}
    pictures = plane.cine.cine[:, 0].astype(np.uint16)
    turned = _turned(grid, grid.directions[:, 0], grid.normal)
    write_classic(folder, pictures, turned, plane.cine.frame_times_ms, plane.cine.rr_ms, attributes)


def write_screenshot(folder: Path, examination: Examination) -> None:
    """Write a secondary capture."""
    folder.mkdir(parents=True, exist_ok=True)
    attributes = {**examination.next_series(), "SeriesDescription": "report", "Modality": "OT"}
    ds = _dataset(_SCREENSHOT, {**attributes, "InstanceNumber": 1})
    _set_pixels(ds, np.zeros((8, 8), dtype=np.uint16))
    ds.save_as(folder / "capture.dcm", enforce_file_format=True)


def _turned(grid: SliceGrid, x: Array, y: Array) -> SliceGrid:
    """A grid of the same size about the same centre with other axes."""
    height, width = grid.shape
    dx, dy = grid.spacing_mm
    affine = np.eye(4)
    affine[:3, 0], affine[:3, 1] = x * dx, y * dy
    affine[:3, 2] = np.cross(x, y) * grid.slice_spacing_mm
    affine[:3, 3] = grid.center_lps - affine[:3, 0] * (width - 1) / 2 - affine[:3, 1] * (height - 1) / 2
    return SliceGrid(grid.shape, affine)


def text(value: float) -> str:
    """A number as a DICOM decimal string of at most 16 characters."""
    return f"{value:.10g}"[:16]


def _geometry(grid: SliceGrid) -> tuple[list[str], list[str], list[str]]:
    dx, dy = grid.spacing_mm
    directions = grid.directions
    position = [text(v) for v in grid.ijk_to_lps[:3, 3]]
    return position, [text(v) for v in [*directions[:, 0], *directions[:, 1]]], [text(dy), text(dx)]


def _dataset(sop_class: str, attributes: dict[str, Any]) -> FileDataset:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = sop_class
    meta.MediaStorageSOPInstanceUID = generate_uid()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    ds.SOPClassUID, ds.SOPInstanceUID = sop_class, meta.MediaStorageSOPInstanceUID
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    for key, value in attributes.items():
        setattr(ds, key, value)
    return ds


def _item(**attributes: Any) -> DicomSequence:
    item = Dataset()
    for key, value in attributes.items():
        setattr(item, key, value)
    return DicomSequence([item])


def _set_pixels(ds: Dataset, pixels: Array) -> None:
    pixels = np.ascontiguousarray(pixels, dtype=np.uint16)
    ds.Rows, ds.Columns = pixels.shape[-2:]
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, 12, 11, 0
    if pixels.max() > 4095:
        ds.BitsStored, ds.HighBit = 16, 15
    ds.PixelData = pixels.tobytes()

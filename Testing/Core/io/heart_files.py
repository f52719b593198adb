"""A closed-form heart in patient space, drawn on any grid and exported in every supported format."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pydicom
import SimpleITK as sitk
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

from LaMoDCore.heart.geometry import BASE_TO_APEX_LPS
from LaMoDCore.io.images.seq_nrrd import write_seq_nrrd

FRAMES, RR_MS = 25, 800.0
TIMES_MS = np.arange(FRAMES) * (RR_MS / FRAMES)
CENTER_LPS = np.array([20.0, -35.0, 12.0])
RV, MYO, LV = 1, 2, 3
DATA = Path(__file__).resolve().parents[3] / "../shared/data"

MR_IMAGE = "1.2.840.10008.5.1.4.1.1.4"
ENHANCED_MR = "1.2.840.10008.5.1.4.1.1.4.1"
SEGMENTATION = "1.2.840.10008.5.1.4.1.1.66.4"


def plane_axes(turn_deg=20.0):
    """Unit x, y in the short-axis plane and its normal x × y, which points from apex to base."""
    normal = -BASE_TO_APEX_LPS
    x = np.array([1.0, 0.0, 0.0]) - normal[0] * normal
    x /= np.linalg.norm(x)
    y = np.cross(normal, x)
    turn = np.deg2rad(turn_deg)
    return np.cos(turn) * x + np.sin(turn) * y, np.cos(turn) * y - np.sin(turn) * x, normal


def stack_affine(shape=(90, 100), spacing=(1.4, 1.4), *, slices=3, gap_mm=16.0, turn_deg=20.0, center=CENTER_LPS):
    """[4, 4] of an oblique stack around the heart; slice 0 is the most basal."""
    x, y, normal = plane_axes(turn_deg)
    affine = np.eye(4)
    affine[:3, 0], affine[:3, 1], affine[:3, 2] = x * spacing[0], y * spacing[1], -normal * gap_mm
    affine[:3, 3] = (
        center
        - affine[:3, 0] * (shape[1] - 1) / 2
        - affine[:3, 1] * (shape[0] - 1) / 2
        - affine[:3, 2] * (slices - 1) / 2
    )
    return affine


def activity(phase):
    """0 at end-diastole, 1 at 38 % of the cycle."""
    phase = np.mod(phase, 1.0)
    return np.sin(np.pi / 2 * np.where(phase < 0.38, phase / 0.38, np.clip((0.85 - phase) / 0.47, 0, 1))) ** 2


def septal_direction():
    """In-plane unit vector from the LV's centre to the middle of the septum: to the right and anterior."""
    x, y, _ = plane_axes()
    wanted = np.array([-1.0, -0.25, -0.2])
    wanted = wanted @ x * x + wanted @ y * y
    return wanted / np.linalg.norm(wanted)


def labels_at(points, phase):
    """Labels at LPS points [..., 3]: a slightly oval ring that narrows towards the apex, and an RV next to it."""
    offset = points - CENTER_LPS
    along = offset @ BASE_TO_APEX_LPS
    in_plane = offset - along[..., None] * BASE_TO_APEX_LPS
    septal = septal_direction()
    across = np.cross(septal, BASE_TO_APEX_LPS)
    u, v = in_plane @ septal, in_plane @ across
    taper = np.clip(1.0 - 0.006 * (along + 30.0), 0.6, 1.2)
    w = activity(phase)
    inner0, outer0 = 24.0 * taper, 33.0 * taper
    inner = inner0 * (1 - 0.28 * w)
    outer = np.sqrt(inner**2 + (1 + 0.18 * w) * (outer0**2 - inner0**2))
    radius = np.hypot(u * 1.04, v / 1.04)
    angle = np.degrees(np.abs(np.arctan2(v, u)))
    labels = np.zeros(radius.shape, dtype=np.uint8)
    labels[(radius > outer) & (radius < outer + 22.0 * np.cos(np.deg2rad(angle * 1.5))) & (angle < 58)] = RV
    labels[(radius <= outer) & (radius >= inner)] = MYO
    labels[radius < inner] = LV
    return labels


def heart_labels(affine, shape=(90, 100), *, slices=3, frames=FRAMES, shift=0):
    """uint8 [T, Z, H, W]; ``shift`` frames late, as in a cine that does not begin at end-diastole."""
    k, j, i = np.meshgrid(*(np.arange(n) for n in (slices, *shape)), indexing="ij")
    points = np.stack([i, j, k], axis=-1) @ affine[:3, :3].T + affine[:3, 3]
    return np.stack([labels_at(points, (t - shift) / frames) for t in range(frames)])


def heart_cine(labels, seed=0):
    """int16 [T, Z, H, W]: blood bright, muscle dark, some noise."""
    brightness = np.array([90, 320, 110, 340])
    noise = np.random.default_rng(seed).normal(0, 8, labels.shape)
    return np.clip(brightness[labels] + noise, 0, 4000).astype(np.int16)


def write_nifti(path, frames, affine, frame_ms=RR_MS / FRAMES, units=2 | 16, order="<"):
    """NIfTI-1 according to nifti1.h, times in ms."""
    frames = np.asarray(frames)
    code = {"uint8": 2, "int16": 4, "float32": 16}[frames.dtype.name]
    ras = np.diag([-1.0, -1.0, 1.0, 1.0]) @ affine
    header = bytearray(352)
    struct.pack_into(order + "i", header, 0, 348)
    sizes = frames.shape[::-1]
    struct.pack_into(order + "8h", header, 40, len(sizes), *sizes, *([1] * (7 - len(sizes))))
    struct.pack_into(order + "2h", header, 70, code, frames.dtype.itemsize * 8)
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    struct.pack_into(order + "8f", header, 76, 1, *spacing, frame_ms, 0, 0, 0)
    struct.pack_into(order + "f", header, 108, 352)
    struct.pack_into("B", header, 123, units)
    struct.pack_into(order + "2h", header, 252, 0, 1)
    struct.pack_into(order + "12f", header, 280, *ras[:3].ravel())
    header[344:348] = b"n+1\0"
    Path(path).write_bytes(bytes(header) + frames.astype(frames.dtype.newbyteorder(order)).tobytes())


def itk_image(frames, affine, frame_ms=RR_MS / FRAMES):
    """A 4-D SimpleITK image."""
    image = sitk.GetImageFromArray(np.ascontiguousarray(frames), isVector=False)
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    direction = np.eye(4)
    direction[:3, :3] = affine[:3, :3] / spacing
    image.SetSpacing((*spacing.tolist(), frame_ms))
    image.SetDirection(direction.ravel().tolist())
    image.SetOrigin((*affine[:3, 3].tolist(), 0.0))
    return image


def write_nrrd_4d(path, frames, affine):
    sitk.WriteImage(itk_image(frames, affine), str(path), True)


def write_sequence(path, frames, affine):
    write_seq_nrrd(path, frames, affine, TIMES_MS[: frames.shape[0]])


def write_folder(folder, frames, affine, suffix=".nii.gz"):
    folder = Path(folder)
    folder.mkdir()
    for t, frame in enumerate(frames):
        image = itk_image(frame[None], affine)
        sitk.WriteImage(image[..., 0], str(folder / f"mask_{t}{suffix}"))


def _dataset(sop_class, series_uid, instance, **tags):
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = sop_class
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    uid = generate_uid(entropy_srcs=[series_uid, str(instance)])
    meta.MediaStorageSOPInstanceUID = uid
    ds = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    ds.SOPClassUID, ds.SOPInstanceUID = sop_class, uid
    ds.SeriesInstanceUID = series_uid
    ds.StudyInstanceUID = generate_uid(entropy_srcs=["study"])
    ds.PatientName, ds.PatientID = "Doe^Jane", "MRN-4455667"
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    for key, value in tags.items():
        setattr(ds, key, value)
    return ds


def _geometry(affine, k):
    columns = affine[:3, :3] / np.linalg.norm(affine[:3, :3], axis=0)
    position = affine[:3, 3] + k * affine[:3, 2]
    spacing = np.linalg.norm(affine[:3, :2], axis=0)
    text = lambda values: [f"{v:.10g}" for v in values]  # noqa: E731 - DS values of at most 16 characters
    return text(position), text([*columns[:, 0], *columns[:, 1]]), text([spacing[1], spacing[0]])


def _set_pixels(ds, pixels):
    pixels = np.ascontiguousarray(pixels)
    ds.Rows, ds.Columns = pixels.shape[-2:]
    ds.BitsAllocated = pixels.dtype.itemsize * 8
    ds.BitsStored, ds.HighBit = ds.BitsAllocated, ds.BitsAllocated - 1
    ds.PixelRepresentation = int(pixels.dtype.kind == "i")
    ds.PixelData = pixels.tobytes() + b"\0" * (pixels.nbytes % 2)


def write_dicom_frames(
    folder,
    frames,
    affine,
    *,
    number=7,
    description="cine_sax",
    trigger=True,
    rr=RR_MS,
    times=None,
    series="s1",
    edit=None,
):
    """Classic MR, one file per frame and slice; ``edit(dataset, t, k)`` may change it or return False to drop it."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    times = TIMES_MS if times is None else times
    uid = generate_uid(entropy_srcs=[series])
    instance = 0
    for k in range(frames.shape[1]):
        position, orientation, spacing = _geometry(affine, k)
        for t in range(frames.shape[0]):
            instance += 1
            ds = _dataset(
                MR_IMAGE,
                uid,
                instance,
                Modality="MR",
                SeriesNumber=number,
                SeriesDescription=description,
                InstanceNumber=instance,
                ImageType=["ORIGINAL", "PRIMARY", "M"],
                ImagePositionPatient=position,
                ImageOrientationPatient=orientation,
                PixelSpacing=spacing,
                SliceThickness=f"{np.linalg.norm(affine[:3, 2]):.6g}",
            )
            if trigger:
                ds.TriggerTime = f"{times[t]:.6g}"
            if rr:
                ds.NominalInterval = round(rr)
            _set_pixels(ds, frames[t, k].astype(np.uint16))
            if edit is not None and edit(ds, t, k) is False:
                continue
            ds.save_as(folder / f"IM{ds.SOPInstanceUID[-12:]}_{instance}", enforce_file_format=True)


def _item(**tags):
    item = Dataset()
    for key, value in tags.items():
        setattr(item, key, value)
    return Sequence([item])


def write_enhanced(path, frames, affine, *, times=None):
    """One multi-frame file (Enhanced MR) with every slice and frame."""
    times = TIMES_MS if times is None else times
    ds = _dataset(
        ENHANCED_MR,
        generate_uid(entropy_srcs=["enhanced"]),
        1,
        Modality="MR",
        SeriesNumber=9,
        SeriesDescription="enhanced",
    )
    _, orientation, spacing = _geometry(affine, 0)
    shared = Dataset()
    shared.PlaneOrientationSequence = _item(ImageOrientationPatient=orientation)
    shared.PixelMeasuresSequence = _item(PixelSpacing=spacing, SliceThickness="8")
    ds.SharedFunctionalGroupsSequence = Sequence([shared])
    groups = []
    for t in range(frames.shape[0]):
        for k in range(frames.shape[1]):
            group = Dataset()
            group.PlanePositionSequence = _item(ImagePositionPatient=_geometry(affine, k)[0])
            group.CardiacSynchronizationSequence = _item(
                NominalCardiacTriggerDelayTime=float(times[t]), RRIntervalTimeNominal=RR_MS
            )
            group.FrameContentSequence = _item(TemporalPositionIndex=t + 1, InStackPositionNumber=k + 1)
            groups.append(group)
    ds.PerFrameFunctionalGroupsSequence = Sequence(groups)
    ds.NumberOfFrames = len(groups)
    _set_pixels(ds, frames.astype(np.uint16).reshape(-1, *frames.shape[2:]))
    ds.save_as(path, enforce_file_format=True)


def write_seg(
    path,
    labels,
    affine,
    *,
    names=None,
    timed=True,
    kind="BINARY",
    sources=None,
    series="seg",
    instance=1,
    order=None,
    edit=None,
):
    """One multi-frame SEG, one frame per segment, slice and time; empty frames are left out, as usual.

    ``sources`` [T, Z] are the UIDs of the images drawn on, ``order`` that of the frames in the file; ``edit(dataset)``
    may change it.
    """
    names = names or {RV: "Right ventricle", MYO: "LV myocardium", LV: "Left ventricle blood pool"}
    ds = _dataset(
        SEGMENTATION, generate_uid(entropy_srcs=[series]), Path(path).name, Modality="SEG", SeriesDescription="SEG"
    )
    ds.SeriesNumber, ds.InstanceNumber = 90, instance
    ds.SegmentationType = kind
    segments = []
    for number, name in names.items():
        segment = Dataset()
        segment.SegmentNumber, segment.SegmentLabel = number, name
        segments.append(segment)
    ds.SegmentSequence = Sequence(segments)
    _, orientation, spacing = _geometry(affine, 0)
    shared = Dataset()
    shared.PlaneOrientationSequence = _item(ImageOrientationPatient=orientation)
    shared.PixelMeasuresSequence = _item(PixelSpacing=spacing, SliceThickness="8")
    ds.SharedFunctionalGroupsSequence = Sequence([shared])
    groups, planes = [], []
    for number in names:
        for k in range(labels.shape[1]):
            for t in range(labels.shape[0]) if order is None else order:
                plane = labels[t, k] == number
                if not plane.any():
                    continue
                group = Dataset()
                group.PlanePositionSequence = _item(ImagePositionPatient=_geometry(affine, k)[0])
                group.SegmentIdentificationSequence = _item(ReferencedSegmentNumber=number)
                if timed:
                    group.FrameContentSequence = _item(TemporalPositionIndex=t + 1)
                if sources is not None:
                    source = _item(ReferencedSOPInstanceUID=sources[t, k])
                    group.DerivationImageSequence = _item(SourceImageSequence=source)
                groups.append(group)
                planes.append(plane)
    ds.PerFrameFunctionalGroupsSequence = Sequence(groups)
    ds.NumberOfFrames = len(groups)
    stacked = np.stack(planes)
    _set_pixels(ds, stacked.astype(np.uint8))
    if kind == "BINARY":
        ds.BitsAllocated = ds.BitsStored = 1
        ds.HighBit = 0
        packed = np.packbits(stacked.ravel(), bitorder="little").tobytes()
        ds.PixelData = packed + b"\0" * (len(packed) % 2)
    else:
        ds.MaximumFractionalValue = 1
    if edit is not None:
        edit(ds)
    ds.save_as(path, enforce_file_format=True)


def read_uids(folder):
    """SOP instance UIDs [T, Z] of the files of `write_dicom_frames`, by trigger time and position."""
    found = {}
    for file in Path(folder).iterdir():
        ds = pydicom.dcmread(file, stop_before_pixels=True)
        found[float(ds.TriggerTime), tuple(ds.ImagePositionPatient)] = ds.SOPInstanceUID
    times = sorted({key[0] for key in found})
    places = sorted({key[1] for key in found}, key=lambda p: float(np.dot(p, BASE_TO_APEX_LPS)))
    return np.array([[found[t, p] for p in places] for t in times])

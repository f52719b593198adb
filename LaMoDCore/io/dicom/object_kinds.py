"""Name DICOM objects that are not images of a slice (RT structure sets, reports, screenshots, …)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydicom.dataset import Dataset


_EXPORT = "export the contours as a DICOM segmentation (SEG), NIfTI or NRRD labelmap with all frames"
_DRAW = f"`lamod check FILE --cine CINE --out DIR` draws its contours as masks; or {_EXPORT}"
_IMAGES = "choose the series with the images"

#: SOP class, or the beginning that a family of classes shares, contents (singular, plural) and what to give instead.
_CLASSES: tuple[tuple[str, str, str, str], ...] = (
    ("1.2.840.10008.5.1.4.1.1.481.3", "RT structure set (RTSTRUCT)", "RT structure sets (RTSTRUCT)", _DRAW),
    ("1.2.840.10008.5.1.4.1.1.481.", "radiotherapy object", "radiotherapy objects", _IMAGES),
    ("1.2.840.10008.5.1.4.1.1.88.59", "key object selection", "key object selections", _IMAGES),
    ("1.2.840.10008.5.1.4.1.1.88.", "structured report (SR)", "structured reports (SR)", _EXPORT),
    ("1.2.840.10008.5.1.4.1.1.104.", "encapsulated document (PDF)", "encapsulated documents (PDF)", _IMAGES),
    ("1.2.840.10008.5.1.4.1.1.11.", "presentation state", "presentation states", _EXPORT),
    ("1.2.840.10008.5.1.4.1.1.7", "secondary capture (screenshot)", "secondary captures (screenshots)", _IMAGES),
    ("1.2.840.10008.5.1.4.1.1.9.", "waveform (ECG)", "waveforms (ECG)", _IMAGES),
    ("1.2.840.10008.5.1.4.1.1.4.2", "spectroscopy object", "spectroscopy objects", _IMAGES),
    ("1.2.840.10008.5.1.4.1.1.66.5", "surface segmentation", "surface segmentations", _EXPORT),
    ("1.2.840.10008.5.1.4.1.1.66.1", "spatial registration", "spatial registrations", _IMAGES),
    ("1.2.840.10008.5.1.4.1.1.66.3", "spatial registration", "spatial registrations", _IMAGES),
    ("1.2.840.10008.5.1.4.1.1.66", "raw data object", "raw data objects", _IMAGES),
    ("1.2.840.10008.5.1.4.1.1.67", "real world value mapping", "real world value mappings", _IMAGES),
    ("1.2.840.10008.1.3.10", "directory (DICOMDIR)", "directories (DICOMDIR)", "give the folder it describes"),
)
#: Segmentations, which begin like raw data.
_SEGMENTATIONS = ("1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.66.7")
_NO_PIXEL_SPACING = ("image without pixel spacing", "images without pixel spacing")
_NO_POSITION = ("image without position or orientation", "images without position or orientation")
_OTHER = ("object without an image", "objects without an image")

#: Words of ImageType and ComplexImageComponent (0008,9208) for parts of a complex image.
_COMPONENTS = {"R": "real", "REAL": "real", "I": "imaginary", "IMAGINARY": "imaginary", "P": "phase", "PHASE": "phase"}


def kind_of(dataset: Dataset) -> tuple[str, str, str]:
    """Contents of an instance without a usable image: singular, plural, and what to give instead."""
    uid = str(dataset.get("SOPClassUID", "") or dataset.get("MediaStorageSOPClassUID", ""))
    meta = getattr(dataset, "file_meta", None)
    uid = uid or str(getattr(meta, "MediaStorageSOPClassUID", ""))
    for prefix, one, several, remedy in _CLASSES if uid not in _SEGMENTATIONS else ():
        if uid == prefix or (uid.startswith(prefix) and (prefix.endswith(".") or uid[len(prefix)] == ".")):
            return one, several, remedy
    if not dataset.get("Rows"):
        return *_OTHER, _IMAGES
    oriented = any("ImageOrientationPatient" in d for d in (dataset, *_shared(dataset)))
    if oriented and "PixelSpacing" not in dataset and not _shared(dataset):
        return *_NO_PIXEL_SPACING, "export the original series, not a copy without its geometry"
    return *_NO_POSITION, "export the original series, not a copy without its geometry"


def _shared(dataset: Dataset) -> tuple[Dataset, ...]:
    return tuple(dataset.get("SharedFunctionalGroupsSequence") or ())


def listing(kinds: Iterable[tuple[str, str, str]]) -> str:
    """Kinds in words with their numbers: ``2 structured reports (SR) and 1 presentation state``."""
    parts = [f"{n} {one if n == 1 else several}" for (one, several, _), n in Counter(kinds).most_common()]
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def complex_component(dataset: Dataset) -> str | None:
    """``real``, ``imaginary`` or ``phase`` if the image is that part of a complex image; None for magnitude images."""
    stated = str(dataset.get("ComplexImageComponent", "")).upper()
    image_type = dataset.get("ImageType") or []
    words = [] if isinstance(image_type, str) else [str(word).upper() for word in image_type]
    if stated:
        return _COMPONENTS.get(stated)
    # Siemens and GE: third value; Philips: R_FFE or fourth value
    for word in words[2:4]:
        found = _COMPONENTS.get(word.split("_")[0])
        if found is not None and (word in _COMPONENTS or word.split("_")[-1] in ("FFE", "SE", "IR", "B0", "MAP")):
            return found
    return None

"""Name files that are not images LaMoD reads, with what to export instead.

The first bytes decide; the name's suffix only where the bytes do not. Nothing but the beginning of a file is read.
"""

from __future__ import annotations

import re
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path

from LaMoDCore.runtime.bounded_reads import is_gzip

_HEAD = 4096
#: Bytes in which the name of a variable of a MATLAB v7.3 file (HDF5) is searched.
_MATLAB_HEAD = 1 << 18
_MASKS = "export the contours as a labelmap (NIfTI, NRRD or DICOM SEG) with one value per voxel and all frames"
_AGAIN = "download or copy the file again"


@dataclass(frozen=True)
class OtherKind:
    """Contents of a file in words, and what to do instead, as for `LaMoDInputError`."""

    what: str
    remedy: str


#: Beginning of the file, contents, remedy.
_MAGIC: tuple[tuple[bytes, str, str], ...] = (
    (b"version https://git-lfs", "it is a Git LFS pointer, not the file itself", "fetch the file with `git lfs pull`"),
    (b"%PDF", "it is a PDF document, not an image", _MASKS),
    (b"\x93NUMPY", "it is a NumPy array without geometry", "save it as NIfTI with the affine of the cine"),
    (b"\x89PNG", "it is a PNG picture without geometry and time", _MASKS),
    (b"\xff\xd8\xff", "it is a JPEG picture without geometry and time", _MASKS),
    (b"GIF8", "it is a GIF picture without geometry", _MASKS),
    (b"BM", "it is a bitmap without geometry and time", _MASKS),
    (b"II*\0", "it is a TIFF picture without geometry in the patient", _MASKS),
    (b"MM\0*", "it is a TIFF picture without geometry in the patient", _MASKS),
    (b"RIFF", "it is a video, not an image with geometry", "give the DICOM series of the cine"),
    (b"Rar!", "it is an archive", "unpack it and give the images in it"),
    (b"7z\xbc\xaf", "it is an archive", "unpack it and give the images in it"),
    (b"CDF", "it is a netCDF or MINC file", "convert it to NIfTI"),
    (b"# vtk DataFile", "it is a VTK file", _MASKS),
    (b"# Markups fiducial file", "it contains points, not masks", _MASKS),
    (b"# === DATA DESCRIPTION FILE", "it is a Philips PAR header", "export the series as DICOM"),
    (b"# CMR42", "it contains contours of cvi42", _MASKS),
)  # fmt: skip

#: Pattern in the head of a text file, contents, remedy.
_TEXTS: tuple[tuple[bytes, str, str], ...] = (
    (rb"^\s*<!doctype html|^\s*<html", "it is a web page (HTML), such as the error page of a failed download", _AGAIN),
    (rb"/annex/objects/", "it is a git-annex pointer, not the file itself", "fetch the file with `git annex get`"),
    (rb"Hash:item|cvi42", "it is a workspace of cvi42 (contours as points)", _MASKS),
    (rb"<!DOCTYPE plist", "it is a property list, as OsiriX and Horos export regions of interest", _MASKS),
    (rb"ROIsPerImage|\"Images\"\s*:\s*\[|ROI_points|\"point_px\"", "it contains regions of interest of OsiriX or Horos",
     _MASKS),
    (rb"<MRML", "it is a Slicer scene, which only refers to images",
     "export the segmentation as a labelmap sequence (.seq.nrrd)"),
    (rb"\"markups\"\s*:", "it contains markups of Slicer, not masks",
     "`lamod check FILE --cine CINE --out DIR` draws closed curves as masks"),
    (rb"\[XYCONTOUR\]", "it contains contours of MASS or QMass (points without geometry)", _MASKS),
    (rb"contour type\tframeID|frameID\tweight", "it contains guide points, not masks",
     "`lamod check FOLDER --cine CINE --out DIR` draws them as masks"),
    (rb"^\s*<\?xml|^\s*<[A-Za-z]", "it is an XML file, not an image", _MASKS),
    (rb"^\s*[\[{]\s*[\[{\"\d\-]", "it is a JSON file, not an image", _MASKS),
)  # fmt: skip

_SUFFIXES = {
    ".cvi42wsx": ("it is a workspace of cvi42 (contours as points)", _MASKS),
    ".cvi42": ("it is a workspace of cvi42 (contours as points)", _MASKS),
    ".con": ("it contains contours as points, as MASS, QMass and CAAS write them", _MASKS),
    ".dns": (
        "it is a DENSEanalysis workspace, not masks of a cine",
        "`lamod dense` reads its motion, `lamod check FILE --out DIR` draws its contours as masks",
    ),
    ".mrb": ("it is a Slicer scene bundle", "export the segmentation as a labelmap sequence (.seq.nrrd)"),
    ".docx": ("it is a Word document, not an image", _MASKS),
    ".xlsx": ("it is a spreadsheet, not an image", _MASKS),
    ".pptx": ("it is a presentation, not an image", _MASKS),
    ".npz": ("it is an archive of NumPy arrays without geometry", "save the mask as NIfTI with the affine of the cine"),
    ".h5": ("it is an HDF5 file", "convert it to NIfTI"),
    ".mgz": ("it is a FreeSurfer volume", "convert it to NIfTI"),
    ".stl": ("it is a surface model, not a mask", _MASKS),
    ".vtp": ("it is a surface model, not a mask", _MASKS),
    ".obj": ("it is a surface model, not a mask", _MASKS),
    ".avi": ("it is a video, not an image with geometry", "give the DICOM series of the cine"),
    ".mp4": ("it is a video, not an image with geometry", "give the DICOM series of the cine"),
    ".rec": ("it contains the voxels of a Philips PAR/REC pair", "export the series as DICOM, or convert it to NIfTI"),
    ".img": ("it contains the voxels of a header in another file", "save both as one .nii.gz"),
}


def other_kind(path: Path) -> OtherKind | None:
    """Recognise a file that is not an image LaMoD reads; None if its kind is unknown or it may be an image.

    Raises:
        OSError: the file cannot be read.
    """
    with path.open("rb") as handle:
        head = handle.read(_HEAD)
    if not head:
        return OtherKind("the file is empty", "export or copy it again")
    if not any(head):
        return OtherKind("it contains only zeros, as after a failed copy", _AGAIN)
    if is_gzip(head):
        return _in_gzip(head, path)
    return _of_bytes(head, path) or _of_suffix(path)


def _of_suffix(path: Path) -> OtherKind | None:
    found = _SUFFIXES.get(path.suffix.lower())
    return None if found is None else OtherKind(*found)


def _of_bytes(head: bytes, path: Path) -> OtherKind | None:
    return _of_container(head, path) or _of_magic(head) or _of_text(head)


def _of_container(head: bytes, path: Path) -> OtherKind | None:
    """MATLAB, HDF5 and archives."""
    if head.startswith(b"MATLAB") or path.suffix.lower() == ".mat":
        return _of_suffix(path) or _matlab(head, path)
    if head.startswith(b"\x89HDF\r\n\x1a\n"):
        return OtherKind("it is an HDF5 file", "convert it to NIfTI")
    if head.startswith(b"PK\x03\x04"):
        return _of_suffix(path) or OtherKind("it is a ZIP archive, not an image", "unpack it and give the images in it")
    if head[257:262] == b"ustar":
        return OtherKind("it is an archive (tar)", "unpack it and give the images in it")
    return None


def _of_magic(head: bytes) -> OtherKind | None:
    for magic, what, remedy in _MAGIC:
        if head.startswith(magic):
            return OtherKind(what, remedy)
    if head[4:8] == b"ftyp":
        return OtherKind("it is a video, not an image with geometry", "give the DICOM series of the cine")
    if head[:2] in (b"\x02\0", b"\x08\0") and re.fullmatch(rb"[A-Z]{2}", head[4:6]):
        return OtherKind("it is a DICOM data set without the DICM prefix", "export it again as a DICOM file (Part 10)")
    return None


def _of_text(head: bytes) -> OtherKind | None:
    text = head.removeprefix(b"\xef\xbb\xbf")
    if b"\0" in text or text.startswith((b"NRRD", b"ObjectType", b"NDims")):
        return None
    for pattern, what, remedy in _TEXTS:
        if re.search(pattern, text, re.IGNORECASE):
            return OtherKind(what, remedy)
    return None


def _in_gzip(head: bytes, path: Path) -> OtherKind | None:
    """The kind of a compressed file's contents."""
    try:
        inside = zlib.decompressobj(wbits=31).decompress(head, 1024)
    except zlib.error:
        return None
    if is_gzip(inside):
        return OtherKind("it is compressed twice (gzip in gzip)", "decompress it once")
    if inside.startswith(b"NRRD"):
        return OtherKind("it is a compressed NRRD file", "decompress it and name it .nrrd")
    if inside[:4] == b"\0\0\0\1" and path.suffix.lower() in (".mgz", ".gz"):
        return OtherKind("it is a FreeSurfer volume", "convert it to NIfTI")
    return _of_bytes(inside, path.with_suffix("")) if inside else None


def _matlab(head: bytes, path: Path) -> OtherKind:
    version = "7.3" if head.startswith(b"MATLAB 7.3") or b"\x89HDF" in head else "5"
    if _mentions(path, version, b"setstruct"):
        return OtherKind(
            f"it is a file of Segment (Medviso; MATLAB {version})",
            "export the segmentation from Segment as DICOM SEG or NIfTI, with all frames",
        )
    if _mentions(path, version, b"SequenceInfo"):
        return OtherKind(
            f"it is a DENSEanalysis workspace (MATLAB {version}) with another suffix",
            "name it .dns; `lamod dense` reads its motion",
        )
    return OtherKind(f"it is a MATLAB file (version {version}), not an image", _MASKS)


def _mentions(path: Path, version: str, name: bytes) -> bool:
    """Whether a MATLAB file has a variable of this name."""
    with path.open("rb") as handle:
        if version == "7.3":
            return name in handle.read(_MATLAB_HEAD)
        handle.seek(126)
        order = "<" if handle.read(2) == b"IM" else ">"
        for _ in range(100):
            tag = handle.read(8)
            if len(tag) < 8:
                return False
            kind, size = struct.unpack(order + "2I", tag)
            start = handle.read(min(size, 512))
            if kind == 15:  # a compressed variable begins with its name
                try:
                    start = zlib.decompressobj().decompress(start, 256)
                except zlib.error:
                    return False
            if name in start[:256]:
                return True
            handle.seek(size - min(size, 512), 1)
    return False

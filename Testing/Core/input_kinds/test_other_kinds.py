"""Files that are no masks are named for what they are, with what to give instead."""

import gzip
import io
import zipfile

import numpy as np
import pytest
import scipy.io
from heart_files import _dataset, write_dicom_frames
from plain_export import AFFINE, CINE, same_heart

from LaMoDCore.cli import main
from LaMoDCore.io import load_case
from LaMoDCore.io.dense.reader import read_dense
from LaMoDCore.io.files.image_file import read_images
from LaMoDCore.runtime.errors import LaMoDInputError


def matlab(variables):
    file = io.BytesIO()
    scipy.io.savemat(file, variables, do_compression=True)
    return file.getvalue()


def zipped():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a.txt", "x")
    return file.getvalue()


POINTS = {"EndoX": np.zeros((80, 25)), "EndoY": np.zeros((80, 25))}
NOISE = np.random.default_rng(0).random((50, 50))
MATLAB_73 = b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(512) + b"\x89HDF\r\n\x1a\n" + bytes(2000)

KINDS = {
    "masks.nii.gz": (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 3\n", "Git LFS pointer.*git lfs"),
    "annex.nii.gz": (b"/annex/objects/MD5E-s100--0.nii.gz\n", "git-annex pointer"),
    "page.nii.gz": (b"<!DOCTYPE html><html><body>404</body></html>", "web page.*download"),
    "login.nii.gz": (gzip.compress(b"<html><body>Please log in</body></html>"), "web page"),
    "twice.nii.gz": (gzip.compress(gzip.compress(bytes(400))), "compressed twice"),
    "void.nii": (b"", "the file is empty"),
    "zeros.nii": (bytes(4000), "only zeros"),
    "study.cvi42wsx": (b'<?xml version="1.0"?>\n<Hash:item Hash:key="wsx" xmlns:Hash="x">', "workspace of cvi42"),
    "renamed.xml": (b'<?xml version="1.0"?>\n<Hash:item Hash:key="wsx" xmlns:Hash="x">', "workspace of cvi42"),
    "contours.con": (b"[XYCONTOUR]\n0 0 1 0\n12\n1.5 2.5\n", "contours of MASS or QMass"),
    "other.con": (b"1 2\n3 4\n", "contours as points"),
    "segment.mat": (matlab({"preview": 1, "setstruct": POINTS}), r"Segment \(Medviso; MATLAB 5\).*DICOM SEG or NIfTI"),
    "second.mat": (matlab({"im": NOISE, "setstruct": POINTS}), r"Segment \(Medviso"),
    "v73.mat": (MATLAB_73 + b"setstruct\0", r"Segment \(Medviso; MATLAB 7\.3\)"),
    "other.mat": (matlab({"a": 1}), r"MATLAB file \(version 5\)"),
    "rois.xml": (b'<?xml version="1.0"?>\n<!DOCTYPE plist PUBLIC "-//Apple">\n<plist>', "OsiriX and Horos"),
    "rois.json": (b'{"Images" : [ {"ROIs": [{"Point_px": ["(1, 2)"]}] } ] }', "OsiriX or Horos"),
    "curves.mrk.json": (b'{"markups":[{"type":"ClosedCurve"}]}', "markups of Slicer.*lamod check"),
    "scene.mrml": (b'<MRML version="1">', "Slicer scene"),
    "study.zip": (zipped(), "ZIP archive.*unpack"),
    "letter.docx": (zipped(), "Word document"),
    "report.pdf": (b"%PDF-1.4\n", "PDF document"),
    "frame.png": (b"\x89PNG\r\n\x1a\n" + bytes(20), "PNG picture"),
    "array.npy": (b"\x93NUMPY\x01\0" + bytes(20), "NumPy array without geometry"),
    "scan.dns": (b"MATLAB 5.0 MAT-file".ljust(200), "DENSEanalysis workspace.*lamod dense"),
    "raw.dcm": (b"\x08\0\x05\0CS\x0a\0ISO_IR 100", "without the DICM prefix"),
}


@pytest.mark.parametrize("name", KINDS)
def test_named_as_masks_and_in_a_folder(tmp_path, name):
    content, words = KINDS[name]
    (tmp_path / name).write_bytes(content)
    with pytest.raises(LaMoDInputError, match=words) as caught:
        read_images(tmp_path / name)
    assert "\n" not in str(caught.value)
    if not name.endswith((".nii", ".nii.gz")):
        with pytest.raises(LaMoDInputError, match=f"no image in this folder.*{name}"):
            read_images(tmp_path)


def test_info_and_check_name_it_too(tmp_path, capsys):
    (tmp_path / "segment.mat").write_bytes(KINDS["segment.mat"][0])
    for command in ("info", "check"):
        assert main([command, str(tmp_path / "segment.mat")]) == 1
        assert "Segment (Medviso; MATLAB 5)" in capsys.readouterr().err


OBJECTS = {
    "1.2.840.10008.5.1.4.1.1.481.3": "an RT structure set.*DICOM segmentation",
    "1.2.840.10008.5.1.4.1.1.88.33": "a structured report",
    "1.2.840.10008.5.1.4.1.1.104.1": "an encapsulated document",
    "1.2.840.10008.5.1.4.1.1.11.1": "a presentation state",
    "1.2.840.10008.5.1.4.1.1.7": "a secondary capture",
    "1.2.840.10008.5.1.4.1.1.66": "a raw data object",
}


def write_object(path, sop_class):
    _dataset(sop_class, sop_class, 1).save_as(path, enforce_file_format=True)


@pytest.mark.parametrize("sop_class", OBJECTS)
def test_dicom_objects_without_an_image(tmp_path, sop_class):
    write_object(tmp_path / "x.dcm", sop_class)
    with pytest.raises(LaMoDInputError, match=OBJECTS[sop_class]):
        read_images(tmp_path / "x.dcm")


def test_objects_next_to_a_cine_are_named(tmp_path, plain):
    write_dicom_frames(tmp_path / "study", CINE, AFFINE)
    for number, sop_class in enumerate(list(OBJECTS)[:2]):
        write_object(tmp_path / "study" / f"{number}.dcm", sop_class)
    with pytest.raises(LaMoDInputError, match=r"image, not a mask \(DICOM files.*RT structure set") as caught:
        load_case(tmp_path / "study")
    assert "structured report" in str(caught.value)
    assert same_heart(load_case(plain.masks, cine=tmp_path / "study"), plain.case_on_cine)


def without_pixel_spacing(dataset, _t, _k):
    del dataset.PixelSpacing
    dataset.ImagerPixelSpacing = ["3", "3"]


def test_images_without_pixel_spacing_are_named(tmp_path, plain):
    write_dicom_frames(tmp_path / "cine", CINE[:9], AFFINE, edit=without_pixel_spacing)
    with pytest.raises(LaMoDInputError, match="9 images without pixel spacing"):
        load_case(plain.masks, cine=tmp_path / "cine")


def part(letter):
    def edit(dataset, _t, _k):
        dataset.ImageType = ["ORIGINAL", "PRIMARY", f"{letter}_FFE", letter, "FFE"]

    return edit


def test_parts_of_complex_images_are_no_cine_and_no_dense(tmp_path, plain):
    study = tmp_path / "study"
    for number, letter in enumerate("RI", start=20):
        write_dicom_frames(study, CINE, AFFINE, number=number, series=letter, edit=part(letter))
    with pytest.raises(LaMoDInputError, match="imaginary and real part of a complex image"):
        load_case(plain.masks, cine=study)
    with pytest.raises(LaMoDInputError, match=r"imaginary and real parts of complex images.*Philips"):
        read_dense(study)
    write_dicom_frames(study, CINE, AFFINE, number=7, series="M", edit=part("M"))
    case = load_case(plain.masks, cine=study)
    assert same_heart(case, plain.case_on_cine)
    assert not any(each.code == "several_cines" for each in case.notes)


def test_monochrome_1_is_inverted(tmp_path, plain):
    def inverted(dataset, _t, _k):
        dataset.PhotometricInterpretation = "MONOCHROME1"
        dataset.PixelData = (65535 - np.frombuffer(dataset.PixelData, np.uint16)).astype(np.uint16).tobytes()

    write_dicom_frames(tmp_path / "cine", CINE, AFFINE, edit=inverted)
    case = load_case(plain.masks, cine=tmp_path / "cine")
    assert np.array_equal(case.slices[0].cine, plain.case_on_cine.slices[0].cine)

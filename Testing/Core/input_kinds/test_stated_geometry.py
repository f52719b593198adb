"""Files whose geometry contradicts itself, or is a default and no geometry."""

import numpy as np
import pydicom
import pytest
from heart_files import heart_cine, heart_labels, stack_affine, write_dicom_frames, write_nifti
from plain_export import AFFINE, CINE, IDENTITY, LABELS, SHAPE, codes, same_heart, write_transforms

from LaMoDCore.io import load_case
from LaMoDCore.io.files.describe import describe
from LaMoDCore.io.images.nrrd import format_vector
from LaMoDCore.runtime.errors import LaMoDInputError

ELSEWHERE = AFFINE.copy()
ELSEWHERE[:3, 3] += (30.0, 10.0, -40.0)
#: The same volume with the first two RAS axes negated, as when LPS is written into a RAS header.
TURNED = np.diag([-1.0, -1.0, 1.0, 1.0]) @ AFFINE


@pytest.mark.parametrize("wrong", [ELSEWHERE, TURNED], ids=["shifted", "axes negated"])
@pytest.mark.parametrize("name", ["sform", "qform"])
def test_of_two_transforms_the_one_that_fits_the_cine_is_used(tmp_path, plain, wrong, name):
    transforms = {"sform": AFFINE, "qform": AFFINE, name: wrong}
    path = write_transforms(tmp_path / "m.nii", LABELS, **transforms)
    case = load_case(path, cine=plain.cine)
    assert same_heart(case, plain.case_on_cine)
    (note,) = [each for each in case.notes if each.code == "transforms_disagree"]
    assert f"the {'qform' if name == 'sform' else 'sform'} was used, because it fits the cine" in note.text
    alone = load_case(path)
    assert any("the sform was used." in each.text for each in alone.notes if each.code == "transforms_disagree")
    assert "transforms_disagree" not in codes(plain.case_on_cine.notes)


def test_the_transform_of_a_cine_that_fits_the_masks_is_used(tmp_path, plain):
    cine = write_transforms(tmp_path / "cine.nii", CINE, sform=ELSEWHERE, qform=AFFINE)
    case = load_case(plain.masks, cine=cine)
    assert same_heart(case, plain.case_on_cine)
    assert any("because it fits the masks" in each.text for each in case.notes)


def test_masks_and_cine_with_the_same_two_transforms(tmp_path, plain):
    masks = write_transforms(tmp_path / "m.nii", LABELS, sform=AFFINE, qform=ELSEWHERE)
    cine = write_transforms(tmp_path / "cine.nii", CINE, sform=AFFINE, qform=ELSEWHERE)
    assert same_heart(load_case(masks, cine=cine), plain.case_on_cine)


def test_an_identity_sform_yields_to_a_true_qform(tmp_path, plain):
    case = load_case(write_transforms(tmp_path / "m.nii", LABELS, sform=IDENTITY, qform=AFFINE))
    assert same_heart(case, plain.case)
    assert "transforms_disagree" in codes(case.notes)


def test_pixel_sizes_that_contradict_the_sform_are_reported(tmp_path, plain):
    case = load_case(write_transforms(tmp_path / "m.nii", LABELS, sform=AFFINE, pixdim=(1.4, 1.4, 8)))
    assert same_heart(case, plain.case)
    (note,) = [each for each in case.notes if each.code == "transforms_disagree"]
    assert "sform and pixel sizes" in note.text


def test_pixel_sizes_replace_an_identity_sform(tmp_path):
    case = load_case(write_transforms(tmp_path / "m.nii", LABELS, sform=IDENTITY, pixdim=(3, 3, 8)))
    assert case.slices[0].grid.spacing_mm == (3.0, 3.0)
    assert {"orientation_on_axes", "orientation_unknown"} & codes(case.notes)
    assert "pixel_size_doubtful" not in codes(case.notes)


def nrrd_without_spacing(path):
    height, width = SHAPE
    header = f"NRRD0004\ntype: uint8\ndimension: 4\nsizes: {width} {height} 1 25\nencoding: raw\n\n"
    path.write_bytes(header.encode() + LABELS.tobytes())


def meta_image_without_spacing(path, more=""):
    height, width = SHAPE
    header = f"ObjectType = Image\nNDims = 4\nDimSize = {width} {height} 1 25\nElementType = MET_UCHAR\n{more}"
    path.write_bytes(f"{header}ElementDataFile = LOCAL\n".encode() + LABELS.tobytes())


DEFAULTS = {
    "identity.nii": lambda path: write_nifti(path, LABELS, IDENTITY),
    "no spacing.nrrd": nrrd_without_spacing,
    "no spacing.mha": meta_image_without_spacing,
    "scaled.nii": lambda path: write_nifti(path, LABELS, IDENTITY @ np.diag([3.0, 3.0, 8.0, 1.0])),
}


@pytest.mark.parametrize("name", DEFAULTS)
def test_a_default_matrix_is_replaced_by_the_grid_of_the_cine(tmp_path, plain, name):
    DEFAULTS[name](tmp_path / name)
    case = load_case(tmp_path / name, cine=plain.cine)
    assert same_heart(case, plain.case_on_cine)
    assert "cine_pixels_assumed" in codes(case.notes)
    assert "pixel_size_doubtful" not in codes(case.notes)


@pytest.mark.parametrize("name", list(DEFAULTS)[:3])
def test_unit_pixels_without_a_cine_are_refused_at_an_impossible_size(tmp_path, name):
    DEFAULTS[name](tmp_path / name)
    with pytest.raises(LaMoDInputError, match=r"unit pixels.*with pixels of 1 mm the left ventricle would be"):
        load_case(tmp_path / name)


def test_unit_pixels_of_a_plausible_size_are_doubted(tmp_path):
    affine = stack_affine((90, 90), (1.0, 1.0), slices=1)
    write_nifti(tmp_path / "m.nii", heart_labels(affine, (90, 90), slices=1, frames=10), IDENTITY, frame_ms=80)
    case = load_case(tmp_path / "m.nii")
    assert "pixel_size_doubtful" in codes(case.notes)
    write_nifti(tmp_path / "true.nii", heart_labels(affine, (90, 90), slices=1, frames=10), affine, frame_ms=80)
    assert "pixel_size_doubtful" not in codes(load_case(tmp_path / "true.nii").notes)


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        (LABELS[..., :40], "identity matrix and unit pixels.*40 × 40 pixels are not those of the cine"),
        (LABELS.swapaxes(2, 3), "rows and columns seem to be exchanged"),
        (LABELS[..., ::-1], "fits only mirrored left to right"),
        (LABELS[:, :, ::-1], "fits only upside down"),
    ],
    ids=["other size", "transposed", "mirrored", "upside down"],
)
def test_the_cause_is_named_where_the_grid_of_the_cine_does_not_fit(tmp_path, plain, labels, words):
    write_nifti(tmp_path / "m.nii", np.ascontiguousarray(labels), IDENTITY)
    with pytest.raises(LaMoDInputError, match=words):
        load_case(tmp_path / "m.nii", cine=plain.cine)


def test_one_slice_without_geometry_among_several_of_the_cine(tmp_path):
    affine = stack_affine(SHAPE, (3.0, 3.0), slices=2)
    labels = heart_labels(affine, SHAPE, slices=2)
    write_nifti(tmp_path / "m.nii", labels[:, :1], IDENTITY)
    write_dicom_frames(tmp_path / "cine", heart_cine(labels), affine)
    with pytest.raises(LaMoDInputError, match=r"identity matrix.*cannot be found among 2 slices"):
        load_case(tmp_path / "m.nii", cine=tmp_path / "cine")


def test_negative_spacings_without_directions_keep_their_size(tmp_path):
    height, width = SHAPE
    header = (
        f"NRRD0004\ntype: uint8\ndimension: 4\nsizes: {width} {height} 1 25\nspacings: -3 3 8 32\nencoding: raw\n\n"
    )
    (tmp_path / "m.nrrd").write_bytes(header.encode() + LABELS.tobytes())
    assert load_case(tmp_path / "m.nrrd").slices[0].grid.spacing_mm == (3.0, 3.0)


@pytest.mark.parametrize("spacing", ["-3 3 8 32", "0 3 8 32", "nan 3 8 32"])
def test_spacings_that_are_not_positive_are_refused(tmp_path, spacing):
    meta_image_without_spacing(tmp_path / "m.mha", f"ElementSpacing = {spacing}\n")
    with pytest.raises(LaMoDInputError, match=r"not positive|not finite|cannot be parsed"):
        load_case(tmp_path / "m.mha")


@pytest.mark.parametrize("space", ["3D-right-handed", "scanner-xyz"])
def test_a_space_without_anatomical_axes_is_refused(tmp_path, space):
    height, width = SHAPE
    directions = " ".join(format_vector(AFFINE[:3, axis]) for axis in range(3))
    header = (
        f"NRRD0004\ntype: uint8\ndimension: 4\nspace: {space}\nsizes: {width} {height} 1 25\n"
        f"space directions: {directions} none\nkinds: domain domain domain list\nencoding: raw\n\n"
    )
    (tmp_path / "m.nrrd").write_bytes(header.encode() + LABELS.tobytes())
    with pytest.raises(LaMoDInputError, match=f"its space is '{space.lower()}'"):
        load_case(tmp_path / "m.nrrd")


def test_a_missing_slice_thickness_is_noted(plain, tmp_path):
    assert "slice_thickness_assumed" not in codes(plain.case_on_cine.notes)
    for path in sorted(plain.cine.iterdir()):
        image = pydicom.dcmread(path)
        del image.SliceThickness
        image.save_as(tmp_path / path.name)
    case = load_case(plain.masks, cine=tmp_path)
    assert "slice_thickness_assumed" in codes(case.notes)
    assert same_heart(case, plain.case_on_cine)
    (line,) = (line for line in describe(tmp_path) if line.startswith("note:"))
    assert "8 mm was assumed" in line


def test_a_flat_sequence_has_the_assumed_thickness(tmp_path):
    path = tmp_path / "flat.nrrd"
    header = "NRRD0004\ntype: uint8\ndimension: 3\nsizes: 44 40 25\nspacings: 3 3 32\nkinds: domain domain time\n"
    path.write_bytes((header + "encoding: raw\n\n").encode() + LABELS[:, 0].tobytes())
    case = load_case(path)
    assert "slice_thickness_assumed" in codes(case.notes)
    assert case.slices[0].grid.slice_spacing_mm == pytest.approx(8.0)

"""One heart in every export format gives the same case."""

import numpy as np
import pytest
from heart_files import (
    CENTER_LPS,
    FRAMES,
    LV,
    MYO,
    RR_MS,
    TIMES_MS,
    heart_cine,
    heart_labels,
    septal_direction,
    stack_affine,
    write_dicom_frames,
    write_enhanced,
    write_folder,
    write_nifti,
    write_nrrd_4d,
    write_seg,
    write_sequence,
)

from LaMoDCore.heart.canonical import to_canonical
from LaMoDCore.heart.geometry import BASE_TO_APEX_LPS
from LaMoDCore.heart.levels import completed_levels, propose_levels, spans_the_ventricle
from LaMoDCore.io import load_case
from LaMoDCore.io.dicom import pixels as dicom_pixels
from LaMoDCore.io.images.seq_nrrd import write_seq_nrrd
from LaMoDCore.runtime.errors import LaMoDInputError

SHAPE = (60, 66)
AFFINE = stack_affine(SHAPE, (2.0, 2.0))
LABELS = heart_labels(AFFINE, SHAPE)

EXPORTS = {
    "heart.nii": write_nifti,
    "heart.nrrd": write_nrrd_4d,
    "heart.seq.nrrd": write_sequence,
    "volumes": write_folder,
    "nrrd volumes": lambda p, f, a: write_folder(p, f, a, ".nrrd"),
    "mha volumes": lambda p, f, a: write_folder(p, f, a, ".mha"),
    "dicom": write_dicom_frames,
    "seg.dcm": write_seg,
    "enhanced.dcm": write_enhanced,
}


def export(tmp_path, name, labels=LABELS, affine=AFFINE):
    EXPORTS[name](tmp_path / name, labels, affine)
    return tmp_path / name


@pytest.mark.parametrize("name", EXPORTS)
def test_every_export_is_the_same_case(tmp_path, name):
    case = load_case(export(tmp_path, name))
    assert [s.level for s in case.slices] == ["base", "mid", "apex"]
    assert case.reference_frame == 0
    for k, slice_ in enumerate(case.slices):
        np.testing.assert_array_equal(slice_.myocardium, LABELS[:, k] == MYO)
        np.testing.assert_array_equal(slice_.cavity, LABELS[:, k] == LV)
        np.testing.assert_allclose(slice_.grid.ijk_to_lps[:3, :2], AFFINE[:3, :2], atol=1e-5)
        np.testing.assert_allclose(slice_.grid.ijk_to_lps[:3, 3], AFFINE[:3, 3] + k * AFFINE[:3, 2], atol=1e-4)
        np.testing.assert_allclose(slice_.phases, np.arange(FRAMES) / FRAMES, atol=1e-6)
    offset = case.rv_insertion_lps - CENTER_LPS
    offset -= offset @ BASE_TO_APEX_LPS * BASE_TO_APEX_LPS
    angle = np.degrees(np.arccos(offset @ septal_direction() / np.linalg.norm(offset)))
    assert abs(angle - 58) < 5
    assert case.rv_insertion_lps[1] < CENTER_LPS[1]
    assert case.inputs[0].name == name
    assert len(case.inputs[0].sha256) == 64


def turned(labels, affine, axes, flips):
    """Array axes (k, j, i) permuted among (j, i) and flipped, with the affine that keeps every voxel in place."""
    swap = axes == "swapped"
    new, a = labels, affine.copy()
    if swap:
        new = new.swapaxes(2, 3)
        a[:, [0, 1]] = a[:, [1, 0]]
    for axis, column in ((3, 0), (2, 1), (1, 2)):
        if column in flips:
            a[:3, 3] += a[:3, column] * (new.shape[axis] - 1)
            a[:3, column] *= -1
            new = np.flip(new, axis)
    return np.ascontiguousarray(new), a


@pytest.mark.parametrize("axes", ["as they are", "swapped"])
@pytest.mark.parametrize("flips", [(), (0,), (1,), (2,), (0, 1), (0, 1, 2)])
def test_flipped_and_permuted_exports_are_the_same_heart(tmp_path, axes, flips):
    """The canonical image is the same to the pixel for every orientation of the array."""
    plain = load_case(export(tmp_path, "heart.seq.nrrd"))
    labels, affine = turned(LABELS, AFFINE, axes, flips)
    other = load_case(export(tmp_path, "heart.nrrd", labels, affine))
    np.testing.assert_allclose(other.rv_insertion_lps, plain.rv_insertion_lps, atol=1e-3)
    for first, second in zip(plain.slices, other.slices, strict=True):
        assert second.level == first.level
        one, two = to_canonical(first).occupancy, to_canonical(second).occupancy
        assert np.abs(one - two).max() < 1e-5


@pytest.mark.parametrize(("shape", "spacing", "turn"), [((75, 60), (2.2, 1.6), 20.0), ((80, 84), (1.5, 1.5), 65.0)])
def test_another_grid_is_nearly_the_same_heart(tmp_path, shape, spacing, turn):
    plain = load_case(export(tmp_path, "heart.seq.nrrd"))
    affine = stack_affine(shape, spacing, turn_deg=turn)
    other = load_case(export(tmp_path, "heart.nii", heart_labels(affine, shape), affine))
    for first, second in zip(plain.slices, other.slices, strict=True):
        one, two = to_canonical(first), to_canonical(second)
        shift = one.grid.center_lps - two.grid.center_lps
        assert np.linalg.norm(shift) < 0.5
        # rings of the same width at the same place, but for what drawing on pixels of 2 mm loses
        assert abs(one.occupancy.sum() / two.occupancy.sum() - 1) < 0.04


def test_masks_on_another_grid_are_resampled_to_the_cine(tmp_path):
    """By their geometry and contours: the error is a small part of a pixel; nearest neighbour has half a pixel."""
    fine = stack_affine((150, 160), (0.8, 0.8), turn_deg=50.0)
    write_nifti(tmp_path / "fine.nii", heart_labels(fine, (150, 160)), fine)
    write_dicom_frames(tmp_path / "cine", heart_cine(LABELS), AFFINE)
    case = load_case(tmp_path / "fine.nii", cine=tmp_path / "cine")
    for k, slice_ in enumerate(case.slices):
        assert slice_.myocardium.shape[1:] == SHAPE
        np.testing.assert_array_equal(slice_.cine, heart_cine(LABELS)[:, k])
        truth = LABELS[:, k] == MYO
        dice = 2 * (truth & slice_.myocardium).sum() / (truth.sum() + slice_.myocardium.sum())
        assert dice > 0.97
        assert slice_.rr_ms == RR_MS


def test_masks_without_times_get_those_of_the_cine(tmp_path):
    write_folder(tmp_path / "masks", LABELS, AFFINE)
    times = TIMES_MS + 3 * np.sin(np.arange(FRAMES))
    write_dicom_frames(tmp_path / "cine", heart_cine(LABELS), AFFINE, times=times - times[0], rr=812)
    case = load_case(tmp_path / "masks", cine=tmp_path / "cine")
    np.testing.assert_allclose(case.slices[0].frame_times_ms, times - times[0], atol=1e-3)
    assert case.slices[0].rr_ms == 812


def test_a_whole_study_as_cine_decodes_only_the_planes_of_the_masks(tmp_path, monkeypatch):
    masks = stack_affine(SHAPE, (2.0, 2.0), slices=1)
    write_sequence(tmp_path / "m.seq.nrrd", heart_labels(masks, SHAPE, slices=1), masks)
    many = stack_affine(SHAPE, (2.0, 2.0), slices=5)
    write_dicom_frames(tmp_path / "study" / "sax", heart_cine(heart_labels(many, SHAPE, slices=5)), many)
    x, y, z = AFFINE[:3, :3].T
    long_axis = AFFINE.copy()
    long_axis[:3, :3] = np.stack([x, z / 8, y * 4], axis=1)
    write_dicom_frames(tmp_path / "study" / "lax", heart_cine(LABELS)[:, :1], long_axis, series="lax", number=8)
    decoded = []
    decode = dicom_pixels.decode_pixels
    monkeypatch.setattr(dicom_pixels, "decode_pixels", lambda file: decoded.append(file) or decode(file))
    case = load_case(tmp_path / "m.seq.nrrd", cine=tmp_path / "study")
    assert len(decoded) == FRAMES
    np.testing.assert_array_equal(case.slices[0].cine, heart_cine(heart_labels(many, SHAPE, slices=5))[:, 2])


def test_cine_in_another_plane_or_with_other_frames(tmp_path):
    masks = export(tmp_path, "heart.seq.nrrd")
    away = AFFINE.copy()
    away[:3, 3] += 7 * BASE_TO_APEX_LPS
    write_dicom_frames(tmp_path / "away", heart_cine(LABELS), away)
    with pytest.raises(LaMoDInputError, match=r"7\.0 mm from that of the nearest cine"):
        load_case(masks, cine=tmp_path / "away")
    write_dicom_frames(tmp_path / "short", heart_cine(LABELS)[:20], AFFINE)
    with pytest.raises(LaMoDInputError, match="25 frames and the cine 20"):
        load_case(masks, cine=tmp_path / "short")


def test_slices_from_several_files_with_their_own_cycles(tmp_path):
    base, apex = AFFINE.copy(), AFFINE.copy()
    apex[:3, 3] += 2 * AFFINE[:3, 2] + 3 * AFFINE[:3, 0] / 2.0
    write_seq_nrrd(
        tmp_path / "two.seq.nrrd", heart_labels(apex, SHAPE, slices=1), apex, np.arange(25) * 36.0, rr_ms=900
    )
    write_seq_nrrd(
        tmp_path / "one.seq.nrrd", heart_labels(base, SHAPE, slices=1, frames=32), base, np.arange(32) * 25.0, rr_ms=800
    )
    case = load_case([tmp_path / "two.seq.nrrd", tmp_path / "one.seq.nrrd"], levels="apex,base")
    assert [(s.name, s.level, s.rr_ms) for s in case.slices] == [("one", "base", 800.0), ("two", "apex", 900.0)]
    assert case.frames == 32
    one, two = case.slices
    np.testing.assert_array_equal(one.myocardium, heart_labels(base, SHAPE, slices=1, frames=32)[:, 0] == MYO)
    np.testing.assert_allclose(two.frame_times_ms, np.arange(32) / 32 * 900)
    truth = heart_labels(apex, SHAPE, slices=1, frames=32)[:, 0] == MYO
    dice = 2 * (truth & two.myocardium).sum() / (truth.sum() + two.myocardium.sum())
    assert dice > 0.98  # nearest frame instead of interpolation gives 0.95
    assert any("interpolated to the 32 phases" in note.text for note in case.notes)


def test_equal_phases_do_not_change(tmp_path):
    other = AFFINE.copy()
    other[:3, 3] += AFFINE[:3, 2]
    write_seq_nrrd(
        tmp_path / "a.seq.nrrd", heart_labels(AFFINE, SHAPE, slices=1), AFFINE, np.arange(25) * 31.04, rr_ms=776
    )
    write_seq_nrrd(
        tmp_path / "b.seq.nrrd", heart_labels(other, SHAPE, slices=1), other, np.arange(25) * 32.1, rr_ms=814
    )
    case = load_case([tmp_path / "a.seq.nrrd", tmp_path / "b.seq.nrrd"])
    np.testing.assert_array_equal(case.slices[1].myocardium, heart_labels(other, SHAPE, slices=1)[:, 0] == MYO)
    np.testing.assert_allclose(case.slices[1].frame_times_ms, np.arange(25) * 32.1)


def test_a_cine_that_does_not_begin_at_end_diastole(tmp_path):
    labels = heart_labels(AFFINE, SHAPE, shift=8)
    case = load_case(export(tmp_path, "heart.nii", labels))
    assert case.reference_frame == 6  # on these pixels, frames 4 to 8 have the same cavity
    np.testing.assert_array_equal(case.slices[0].myocardium, labels[:, 0] == MYO)
    assert [note.frame for note in case.notes if note.code == "reference_frame_found"] == [case.reference_frame]
    named = load_case(tmp_path / "heart.nii", reference_frame=8)
    assert named.reference_frame == 8
    assert not any(note.code == "reference_frame_found" for note in named.notes)
    with pytest.raises(LaMoDInputError, match=r"--reference-frame: there is no frame 25 .* up to 24"):
        load_case(tmp_path / "heart.nii", reference_frame=25)


def test_a_cycle_that_is_not_closed_is_noted_unless_its_length_is_given(tmp_path):
    """Prospective gating: the frames end before the ventricle is full again, and the file has no R–R interval."""
    part = LABELS[: round(0.7 * FRAMES)]
    write_nifti(tmp_path / "part.nii", part, AFFINE, RR_MS / FRAMES)
    write_nifti(tmp_path / "whole.nii", LABELS, AFFINE, RR_MS / FRAMES)
    write_nifti(tmp_path / "late.nii", heart_labels(AFFINE, shift=-6), AFFINE, RR_MS / FRAMES)
    assert any(note.code == "cycle_not_closed" for note in load_case(tmp_path / "part.nii").notes)
    for name in ("whole.nii", "late.nii"):
        assert not any(note.code == "cycle_not_closed" for note in load_case(tmp_path / name).notes), name
    named = load_case(tmp_path / "part.nii", rr_ms=RR_MS)
    assert not any(note.code == "cycle_not_closed" for note in named.notes)
    assert named.slices[0].rr_ms == RR_MS


def test_two_beats_in_one_file_are_noted(tmp_path):
    write_nifti(tmp_path / "one.nii", LABELS, AFFINE, 20.0)
    write_nifti(tmp_path / "two.nii", np.concatenate([LABELS, LABELS]), AFFINE, 20.0)
    assert any("empties 2 times" in note.text for note in load_case(tmp_path / "two.nii").notes)
    assert not any(note.code == "several_cycles" for note in load_case(tmp_path / "one.nii").notes)


def test_levels(tmp_path):
    masks = export(tmp_path, "heart.nii")
    named = load_case(masks, levels=["basal", "mid", "mid"]).slices
    assert [s.level for s in named] == ["base", "mid", "mid"] and all(s.level_known for s in named)
    assert not any(s.level_known for s in load_case(masks).slices)  # three slices, but only of the ventricle's middle
    flipped, affine = turned(LABELS, AFFINE, "as they are", (2,))
    upside_down = export(tmp_path, "heart.nrrd", flipped, affine)
    for levels in ("apex,mid,base", "base,mid,apex"):
        assert [s.level for s in load_case(upside_down, levels=levels).slices] == ["base", "mid", "apex"]
    with pytest.raises(LaMoDInputError, match="2 level"):
        load_case(masks, levels="base,mid")
    with pytest.raises(LaMoDInputError, match="'top' is not a level"):
        load_case(masks, levels="top,mid,apex")


def test_only_chosen_levels_are_known(tmp_path):
    masks = export(tmp_path, "heart.nii")
    case = load_case(masks, levels="auto,auto,mid")
    assert [(s.level, s.level_known, s.level_given) for s in case.slices] == [
        ("base", False, False),
        ("mid", False, False),
        ("mid", True, True),
    ]
    (proposed,) = [each.text for each in case.notes if each.code == "levels_proposed"]
    assert proposed.endswith("counted from the base: 1 base, 2 mid.")
    flipped, affine = turned(LABELS, AFFINE, "as they are", (2,))
    upside_down = load_case(export(tmp_path, "heart.nrrd", flipped, affine), levels="apex,auto,auto").slices
    assert [(s.level, s.level_given) for s in upside_down] == [("base", False), ("mid", False), ("apex", True)]


def test_contour_conventions_are_those_of_the_slices_from_base_to_apex(tmp_path):
    flipped, affine = turned(LABELS, AFFINE, "as they are", (2,))
    upside_down = export(tmp_path, "heart.nrrd", flipped, affine)
    for masks in (export(tmp_path, "heart.nii"), upside_down):
        for given, found in (
            (None, ["auto"] * 3),
            ("tissue", ["tissue"] * 3),
            ("tissue,blood-pool,auto", ["tissue", "blood-pool", "auto"]),
        ):
            slices = load_case(masks, contour_convention=given).slices
            assert [s.contour_convention for s in slices] == found
            assert slices[0].grid.center_lps @ BASE_TO_APEX_LPS < slices[2].grid.center_lps @ BASE_TO_APEX_LPS
    with pytest.raises(LaMoDInputError, match="2 conventions for 3 slices"):
        load_case(upside_down, contour_convention=["tissue", "auto"])


def test_contour_conventions_may_include_slices_that_are_left_out(tmp_path):
    labels = LABELS.copy()
    labels[0, 0][:, : labels.shape[3] // 2] = 0  # the ring of the base is open
    words = "auto,tissue,blood-pool"
    for name, (values, affine) in {
        "heart.nii": (labels, AFFINE),
        "heart.nrrd": turned(labels, AFFINE, "as they are", (2,)),
    }.items():
        masks = export(tmp_path, name, values, affine)
        for given in (words, "tissue,blood-pool"):
            slices = load_case(masks, contour_convention=given).slices
            assert [s.contour_convention for s in slices] == ["tissue", "blood-pool"]
        with pytest.raises(LaMoDInputError, match=r"4 conventions for 2 slices \(left out: .*slice [13]\)"):
            load_case(masks, contour_convention=f"{words},auto")


def test_contour_conventions_of_files_in_another_order_than_the_heart_are_refused(tmp_path):
    files = [tmp_path / f"slice{k}.seq.nrrd" for k in range(2)]
    for k, file in enumerate(files):
        affine = AFFINE.copy()
        affine[:3, 3] += k * AFFINE[:3, 2]
        write_sequence(file, LABELS[:, k : k + 1], affine)
    from_base = load_case(files, contour_convention="tissue,auto").slices
    assert [(s.name, s.contour_convention) for s in from_base] == [("slice0", "tissue"), ("slice1", "auto")]
    assert {s.contour_convention for s in load_case(files[::-1], contour_convention="tissue,tissue").slices} == {
        "tissue"
    }
    with pytest.raises(LaMoDInputError, match="name the files from base to apex"):
        load_case(files[::-1], contour_convention="tissue,auto")


@pytest.mark.parametrize(
    ("levels", "found"),
    [
        ("auto,auto,apex", "base mid apex"),
        ("apex,auto,auto", "base mid apex"),
        ("base,auto,auto", "base mid apex"),
        ("auto,auto,base", "base mid apex"),
        ("base,mid,auto", "base mid apex"),
        ("mid,base,auto", "base base mid"),
        ("auto,mid,auto", "base mid apex"),
        ("mid,auto,auto", None),
    ],
)
def test_few_levels_of_a_stack_from_apex_to_base_are_in_the_order_that_fits_its_slices(tmp_path, levels, found):
    flipped, affine = turned(LABELS, AFFINE, "as they are", (2,))
    masks = export(tmp_path, "heart.nrrd", flipped, affine)
    if found is None:
        with pytest.raises(LaMoDInputError, match=r"order of the files as well as from base to apex; name the level"):
            load_case(masks, levels=levels)
        return
    assert " ".join(s.level for s in load_case(masks, levels=levels).slices) == found


def test_levels_from_base_to_apex_are_refused_if_a_slice_of_a_stack_from_apex_to_base_is_left_out(tmp_path):
    flipped, affine = turned(LABELS, AFFINE, "as they are", (2,))
    flipped[:, 0, : SHAPE[0] // 2] = 0  # half a ring
    masks = export(tmp_path, "heart.nrrd", flipped, affine)
    with pytest.raises(LaMoDInputError, match=r"3 levels from base to apex, but only 2"):
        load_case(masks, levels="base,mid,apex")
    assert [s.level for s in load_case(masks, levels="base,mid").slices] == ["base", "mid"]
    assert [s.level for s in load_case(masks, levels="apex,mid,base").slices] == ["base", "mid"]


@pytest.mark.parametrize(
    ("chosen", "levels"),
    [
        ("- - - -", "base mid mid apex"),
        ("- base - -", "base base mid apex"),
        ("- - mid -", "base mid mid apex"),
        ("mid - - -", "mid mid mid apex"),
        ("- - - mid", "base mid mid mid"),
        ("apex - - base", "apex apex apex base"),
    ],
)
def test_proposals_lie_between_the_chosen_levels(chosen, levels):
    given = [None if word == "-" else word for word in chosen.split()]
    assert completed_levels(given, [5, 15, 25, 35]) == tuple(levels.split())


@pytest.mark.parametrize(
    ("depths", "levels"),
    [
        ([0], "mid"),
        ([0, 10], "base mid"),
        ([0, 16, 32], "base mid apex"),
        ([5, 15, 25, 35], "base mid mid apex"),
        ([0, 8, 60], "base base apex"),
    ],
)
def test_proposed_levels(depths, levels):
    assert propose_levels(depths) == tuple(levels.split())


@pytest.mark.parametrize(
    ("depths", "known"), [([0], False), ([0, 50], False), ([0, 10, 20], False), ([3, 13, 23, 33, 43], True)]
)
def test_levels_by_position_are_known_only_for_a_whole_stack(depths, known):
    assert spans_the_ventricle(depths) is known


def test_given_insertion(tmp_path):
    masks = export(tmp_path, "heart.nii")
    anterior = CENTER_LPS + np.array([-12.0, -22.0, 10.0])
    inferior = CENTER_LPS + np.array([-25.0, 15.0, -20.0])
    np.testing.assert_array_equal(load_case(masks, rv_insertion_lps=anterior).rv_insertion_lps, anterior)
    both = load_case(masks, rv_insertion_lps=[inferior, anterior])
    np.testing.assert_array_equal(both.rv_insertion_lps, anterior)
    with pytest.raises(LaMoDInputError, match="from the myocardium"):
        load_case(masks, rv_insertion_lps=anterior * [-1, -1, 1])
    for wrong in ([1.0, 2.0], [np.nan, 0, 0], "here"):
        with pytest.raises(LaMoDInputError, match="three numbers"):
            load_case(masks, rv_insertion_lps=wrong)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda a: a[:3, 1].__iadd__(0.3 * a[:3, 0]), "right angle"),
        (lambda a: a[:3, 0].__imul__(0), "linearly dependent"),
        (lambda a: a[:3, 1].__setitem__(slice(None), a[:3, 0]), "linearly dependent"),
        (lambda a: a[:3, :2].__imul__(1000), "implausible for a cine"),
        (lambda a: a[:3, :2].__imul__(0.001), "implausible for a cine"),
        (lambda a: a[:3, 3].__imul__(np.nan), "finite"),
    ],
    ids=["sheared", "no x axis", "x along y", "metres", "micrometres", "origin nan"],
)
def test_invalid_geometry(tmp_path, change, words):
    affine = AFFINE.copy()
    change(affine)
    write_sequence(tmp_path / "heart.seq.nrrd", LABELS, affine)
    with pytest.raises(LaMoDInputError, match=words):
        load_case(tmp_path / "heart.seq.nrrd")


def test_slices_shifted_along_the_stack_are_fine(tmp_path):
    """A sheared stack axis is a stack with shifted slices, as scanners produce them."""
    affine = AFFINE.copy()
    affine[:3, 2] += 3 * AFFINE[:3, 0]
    case = load_case(export(tmp_path, "heart.nii", heart_labels(affine, SHAPE), affine))
    for k, slice_ in enumerate(case.slices):
        np.testing.assert_allclose(slice_.grid.ijk_to_lps[:3, 3], affine[:3, 3] + k * affine[:3, 2], atol=1e-4)
        np.testing.assert_allclose(np.cross(slice_.grid.normal, slice_.grid.ijk_to_lps[:3, 2]), 0, atol=1e-6)


def test_a_single_slice_without_thickness(tmp_path):
    affine = stack_affine(SHAPE, (2.0, 2.0), slices=1)
    labels = heart_labels(affine, SHAPE, slices=1)
    affine[:3, 2] = 0
    (slice_,) = load_case(export(tmp_path, "heart.seq.nrrd", labels, affine)).slices
    np.testing.assert_allclose(slice_.grid.pixel_to_lps([0, 0]), affine[:3, 3])
    assert slice_.grid.slice_spacing_mm == pytest.approx(8.0)


def test_unevenly_spaced_slices(tmp_path):
    """DICOM slices have the positions in their headers, evenly spaced or not."""
    lower = AFFINE.copy()
    lower[:3, 3] += 41 * BASE_TO_APEX_LPS
    write_dicom_frames(tmp_path / "d", LABELS, AFFINE)

    def another(ds, t, k):
        ds.SOPInstanceUID = ds.file_meta.MediaStorageSOPInstanceUID = f"1.2.3.4.5.6.7.{t}"

    write_dicom_frames(tmp_path / "d", heart_labels(lower, SHAPE, slices=1), lower, edit=another)
    depths = [s.grid.center_lps @ BASE_TO_APEX_LPS for s in load_case(tmp_path / "d").slices]
    np.testing.assert_allclose(np.diff(depths), [16, 16, 9], atol=1e-4)


def test_lost_orientation_is_noted(tmp_path):
    straight = np.diag([2.0, 2.0, 10.0, 1.0])
    case = load_case(export(tmp_path, "heart.nrrd", LABELS, straight))
    assert any(note.code == "orientation_on_axes" for note in case.notes)
    assert not any(note.code == "orientation_on_axes" for note in load_case(export(tmp_path, "heart.nii")).notes)


def test_folder_with_frames_of_different_grids(tmp_path):
    folder = export(tmp_path, "volumes")
    write_nifti(folder / "whole.nii", LABELS, AFFINE)
    with pytest.raises(LaMoDInputError, match="25 frames, in a folder"):
        load_case(folder)


def test_missing_and_foreign_files(tmp_path):
    with pytest.raises(LaMoDInputError, match="no such file"):
        load_case(tmp_path / "nothing.nii.gz")
    (tmp_path / "text.txt").write_text("hello")
    with pytest.raises(LaMoDInputError, match="not an image"):
        load_case(tmp_path / "text.txt")
    (tmp_path / "empty").mkdir()
    with pytest.raises(LaMoDInputError, match="no image in this folder"):
        load_case(tmp_path / "empty")
    (tmp_path / "void.nii").touch()
    with pytest.raises(LaMoDInputError):
        load_case(tmp_path / "void.nii")


def test_a_slice_given_twice_counts_once(tmp_path):
    affine = stack_affine(slices=2)
    labels = heart_labels(affine, slices=2)
    write_nifti(tmp_path / "stack.nii", labels, affine)
    write_nifti(tmp_path / "copy.nii", labels[:, 1:], _slice_affine(affine, 1))
    once, twice = load_case(tmp_path / "stack.nii"), load_case([tmp_path / "stack.nii", tmp_path / "copy.nii"])
    assert [s.level for s in twice.slices] == [s.level for s in once.slices]
    (left_out,) = [note for note in twice.notes if note.code == "slice_repeated"]
    assert (left_out.severity, left_out.source, left_out.slice) == ("warning", "copy", None)
    for distance in (1.0, 30.0):  # the same masks in another plane are another slice
        elsewhere = _slice_affine(affine, 1)
        elsewhere[:3, 3] += distance * BASE_TO_APEX_LPS
        write_nifti(tmp_path / "deeper.nii", labels[:, 1:], elsewhere)
        assert len(load_case([tmp_path / "stack.nii", tmp_path / "deeper.nii"]).slices) == 3
    with pytest.raises(LaMoDInputError, match="given twice"):
        load_case([tmp_path / "copy.nii", tmp_path / "copy.nii"])


def _slice_affine(affine, k):
    own = affine.copy()
    own[:3, 3] += k * affine[:3, 2]
    return own

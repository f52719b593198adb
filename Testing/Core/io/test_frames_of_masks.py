"""Which frame a mask belongs to: in every case the masks are those of the plain export, or the input is refused."""

import random
import shutil
import struct

import numpy as np
import pytest
from heart_files import (
    MYO,
    RR_MS,
    heart_cine,
    heart_labels,
    read_uids,
    stack_affine,
    write_dicom_frames,
    write_enhanced,
    write_nifti,
    write_seg,
)

from LaMoDCore.io import load_case
from LaMoDCore.io.case.drawn_slices import read_drawn_heart
from LaMoDCore.io.files.image_file import read_images
from LaMoDCore.runtime.errors import LaMoDInputError

SHAPE = (40, 44)
AFFINE = stack_affine(SHAPE, (3.0, 3.0), slices=1)
FRAMES, ES = 10, 4
STEP_MS = RR_MS / FRAMES
TIMES_MS = np.arange(FRAMES) * STEP_MS
LABELS = heart_labels(AFFINE, SHAPE, slices=1, frames=FRAMES)
CINE = heart_cine(LABELS)


@pytest.fixture(scope="module")
def cine(tmp_path_factory):
    """The folder of a DICOM cine and the UIDs of its images [T, 1]."""
    folder = tmp_path_factory.mktemp("cine") / "dicom"
    write_dicom_frames(folder, CINE, AFFINE, times=TIMES_MS)
    return folder, read_uids(folder)


@pytest.fixture(scope="module")
def plain(cine, tmp_path_factory):
    """The slice of the plain export: a 4-D file with every frame."""
    path = tmp_path_factory.mktemp("plain") / "heart.nii"
    write_nifti(path, LABELS, AFFINE, STEP_MS)
    return load_case(path, cine=cine[0]).slices[0]


def objects(folder, uids, *, series="one", instance=1, frames=range(FRAMES), timed=False, edit=None):
    """One segmentation object per frame, with file names in another order than the frames."""
    folder.mkdir()
    for t in frames:
        name = f"{(3 * t) % FRAMES:02d}.dcm"
        write_seg(
            folder / name,
            LABELS[t : t + 1],
            AFFINE,
            timed=timed,
            sources=uids[t : t + 1],
            series=series if series == "one" else f"series {t}",
            instance=instance(t) if callable(instance) else instance,
            edit=edit,
        )
    return folder


def same(case, plain):
    (slice_,) = case.slices
    np.testing.assert_array_equal(slice_.myocardium, plain.myocardium)
    np.testing.assert_array_equal(slice_.cavity, plain.cavity)
    np.testing.assert_allclose(slice_.frame_times_ms, plain.frame_times_ms, atol=0.01)
    assert slice_.rr_ms == plain.rr_ms


@pytest.mark.parametrize("series", ["one", "each"])
@pytest.mark.parametrize("timed", [False, True])  # every object numbers its only frame 1
def test_one_object_per_frame(tmp_path, cine, plain, series, timed):
    same(load_case(objects(tmp_path / "seg", cine[1], series=series, timed=timed), cine=cine[0]), plain)


def test_objects_as_masks_of_their_own(tmp_path, cine, plain):
    folder = objects(tmp_path / "seg", cine[1], series="each")
    same(load_case(sorted(folder.iterdir()), cine=cine[0]), plain)


def test_shuffled_frames(tmp_path, cine, plain):
    order = random.Random(1).sample(range(FRAMES), FRAMES)
    write_seg(tmp_path / "seg.dcm", LABELS, AFFINE, timed=False, sources=cine[1], order=order)
    same(load_case(tmp_path / "seg.dcm", cine=cine[0]), plain)
    same_folder = tmp_path / "together"
    shutil.copytree(cine[0], same_folder)
    shutil.copy(tmp_path / "seg.dcm", same_folder)
    (stack,) = read_images(same_folder)
    np.testing.assert_array_equal(stack.frames, LABELS)
    np.testing.assert_allclose(stack.frame_times_ms, TIMES_MS)
    assert load_case(same_folder).slices[0].rr_ms == plain.rr_ms
    checked = read_drawn_heart([tmp_path / "seg.dcm"], cine=[cine[0]])
    np.testing.assert_array_equal(checked.slices[0].slice.myocardium, plain.myocardium)


def test_frames_of_a_multi_frame_image(tmp_path, plain):
    import pydicom
    from pydicom.dataset import Dataset
    from pydicom.sequence import Sequence

    write_enhanced(tmp_path / "cine.dcm", CINE, AFFINE, times=TIMES_MS)
    uid = pydicom.dcmread(tmp_path / "cine.dcm").SOPInstanceUID
    order = random.Random(2).sample(range(FRAMES), FRAMES)

    def refer(ds):
        for place, group in enumerate(ds.PerFrameFunctionalGroupsSequence):
            source = Dataset()
            source.ReferencedSOPInstanceUID, source.ReferencedFrameNumber = uid, order[place % FRAMES] + 1
            derivation = Dataset()
            derivation.SourceImageSequence = Sequence([source])
            group.DerivationImageSequence = Sequence([derivation])

    labels = np.where(LABELS == 1, 0, LABELS)
    write_seg(
        tmp_path / "seg.dcm",
        labels,
        AFFINE,
        names={MYO: "myocardium", 3: "cavity"},
        timed=False,
        order=order,
        edit=refer,
    )
    same(load_case(tmp_path / "seg.dcm", cine=tmp_path / "cine.dcm"), plain)


def test_one_segmentation_per_structure(tmp_path, cine, plain):
    """Both objects number their only segment 1."""
    folder = tmp_path / "seg"
    folder.mkdir()
    for name, value, word in (("a.dcm", MYO, "Myocardium"), ("b.dcm", 3, "LV cavity")):
        labels = np.equal(LABELS, value).astype(np.uint8)
        write_seg(folder / name, labels, AFFINE, names={1: word}, timed=False, sources=cine[1], series=name)
    same(load_case(folder, cine=cine[0]), plain)


def test_end_systole_alone_is_not_end_diastole(tmp_path, cine):
    folder = objects(tmp_path / "seg", cine[1], frames=[ES])
    with pytest.raises(LaMoDInputError, match=f"only frame {ES} of {FRAMES} is drawn"):
        load_case(folder, cine=cine[0])


def test_end_diastole_and_end_systole_are_carried_from_their_frames(tmp_path, cine, plain):
    some = np.zeros_like(LABELS)
    some[[0, ES]] = LABELS[[0, ES]]
    write_nifti(tmp_path / "some.nii", some, AFFINE, STEP_MS)
    expected = load_case(tmp_path / "some.nii", cine=cine[0]).slices[0]
    folder = objects(tmp_path / "seg", cine[1], frames=[ES, 0], series="each")
    found = load_case(folder, cine=cine[0], mask_frames=(0, ES)).slices[0]
    np.testing.assert_array_equal(found.myocardium, expected.myocardium)
    with pytest.raises(LaMoDInputError, match=f"refer to the images of frames 0 and {ES} of the cine, not 0,5"):
        load_case(folder, cine=cine[0], mask_frames=(0, 5))
    named = load_case(sorted(folder.iterdir())[::-1], cine=cine[0]).slices[0]
    np.testing.assert_array_equal(named.myocardium, expected.myocardium)


def test_images_that_are_not_there(tmp_path, cine, plain):
    order = random.Random(1).sample(range(FRAMES), FRAMES)
    write_seg(tmp_path / "seg.dcm", LABELS, AFFINE, timed=False, sources=cine[1], order=order)
    with pytest.raises(LaMoDInputError, match=r"refers to images that are not here .* --cine"):
        load_case(tmp_path / "seg.dcm")
    with pytest.raises(LaMoDInputError, match="refers to images that are not here"):
        load_case(objects(tmp_path / "same number", cine[1]))
    numbered = load_case(objects(tmp_path / "numbered", cine[1], instance=lambda t: t + 1))
    np.testing.assert_array_equal(numbered.slices[0].myocardium, plain.myocardium)
    assert any(note.code == "dicom_order_assumed" for note in numbered.notes)


def test_images_of_another_cine(tmp_path, cine):
    """A copy of the cine with new UIDs: whole cycles are assigned by order, with a note; single frames are refused."""
    other = tmp_path / "other"
    write_dicom_frames(other, CINE, AFFINE, series="other", times=TIMES_MS)
    write_seg(tmp_path / "seg.dcm", LABELS, AFFINE, timed=True, sources=cine[1])
    assert any(note.code == "other_source_images" for note in load_case(tmp_path / "seg.dcm", cine=other).notes)
    with pytest.raises(LaMoDInputError, match="images that are not among those of the cine"):
        load_case(objects(tmp_path / "seg", cine[1], frames=[0]), cine=other)


def test_two_segmentations_of_the_same_images(tmp_path, cine):
    folder = tmp_path / "seg"
    folder.mkdir()
    write_seg(folder / "one.dcm", LABELS, AFFINE, timed=False, sources=cine[1], series="a")
    write_seg(folder / "two.dcm", np.roll(LABELS, 1, axis=3), AFFINE, timed=False, sources=cine[1], series="b")
    with pytest.raises(LaMoDInputError, match=r"two.dcm.* different masks of one structure .* --second"):
        load_case(folder, cine=cine[0])


def two_files(folder, names=("p_frame01_gt.nii", "p_frame10_gt.nii"), affine=AFFINE):
    for name, t in zip(names, (0, ES), strict=True):
        write_nifti(folder / name, LABELS[t], affine, frame_ms=0)
    return [folder / name for name in names]


def test_two_files_of_one_plane_are_two_frames(tmp_path, cine):
    some = np.zeros_like(LABELS)
    some[[0, ES]] = LABELS[[0, ES]]
    write_nifti(tmp_path / "some.nii", some, AFFINE, STEP_MS)
    expected = load_case(tmp_path / "some.nii", cine=cine[0]).slices[0]
    paths = two_files(tmp_path)
    case = load_case(paths, cine=cine[0], mask_frames=(0, ES))
    (found,) = case.slices
    np.testing.assert_array_equal(found.myocardium, expected.myocardium)
    assert {"masks_joined", "contours_carried"} <= {note.code for note in case.notes}
    (other_order,) = load_case(paths[::-1], cine=cine[0], mask_frames=(ES, 0)).slices
    np.testing.assert_array_equal(other_order.myocardium, expected.myocardium)
    with pytest.raises(LaMoDInputError, match="--mask-frames 0,9"):
        load_case(paths, cine=cine[0])
    with pytest.raises(LaMoDInputError, match="2 frames and at least 8"):
        load_case(paths)


def test_the_image_next_to_a_mask_names_its_frame(tmp_path, cine):
    """ACDC's layout: frame01.nii is the image, frame01_gt.nii the mask."""
    paths = two_files(tmp_path)
    expected = load_case(paths, cine=cine[0], mask_frames=(0, ES)).slices[0]
    for path, t in zip(paths, (0, ES), strict=True):
        write_nifti(tmp_path / path.name.replace("_gt", ""), CINE[t], AFFINE, frame_ms=0)
    for order in (paths, paths[::-1]):
        case = load_case(order, cine=cine[0])
        np.testing.assert_array_equal(case.slices[0].myocardium, expected.myocardium)
        assert {note.frame for note in case.notes if note.code == "mask_frame_from_image"} == {0, ES}
    write_nifti(tmp_path / "p_frame10.nii", CINE[ES] + 1, AFFINE, frame_ms=0)
    with pytest.raises(LaMoDInputError, match="--mask-frames"):
        load_case(paths, cine=cine[0])
    with pytest.raises(LaMoDInputError, match="only frame"):  # end-systole alone, recognised by its image
        write_nifti(tmp_path / "p_frame10.nii", CINE[ES], AFFINE, frame_ms=0)
        load_case(paths[1], cine=cine[0])


def test_frames_of_one_plane_with_other_label_values(tmp_path, cine):
    """End-systole in the values of UK Biobank, end-diastole in those of ACDC."""
    first, second = two_files(tmp_path)
    expected = load_case([first, second], cine=cine[0], mask_frames=(0, ES)).slices[0]
    exchanged = np.array([0, 3, 2, 1], dtype=np.uint8)[LABELS[ES]]
    write_nifti(second, exchanged, AFFINE, frame_ms=0)
    found = load_case([first, second], cine=cine[0], mask_frames=(0, ES)).slices[0]
    np.testing.assert_array_equal(found.myocardium, expected.myocardium)
    np.testing.assert_array_equal(found.cavity, expected.cavity)


def test_a_file_per_frame_named_one_by_one(tmp_path, cine, plain):
    paths = [tmp_path / f"mask_{t}.nii" for t in range(FRAMES)]
    for path, frame in zip(paths, LABELS, strict=True):
        write_nifti(path, frame, AFFINE, frame_ms=0)
    same(load_case(sorted(paths), cine=cine[0]), plain)  # in the order of the shell: 0, 1, 10, 11, …
    for t, path in enumerate(paths):
        path.rename(tmp_path / f"cine_t{round(TIMES_MS[t])}.nii")
    case = load_case(sorted(tmp_path.iterdir()))
    np.testing.assert_array_equal(case.slices[0].myocardium, plain.myocardium)
    np.testing.assert_allclose(case.slices[0].frame_times_ms, plain.frame_times_ms)


def test_a_single_mask_is_assumed_to_be_the_first_frame_with_a_note(tmp_path, cine):
    path, other = two_files(tmp_path)
    noted = load_case(path, cine=cine[0]).notes
    assert any(note.code == "mask_frame_assumed" for note in noted)
    with pytest.raises(LaMoDInputError, match="does not fit the first frame"):
        load_case(other, cine=cine[0])
    named = load_case(path, cine=cine[0], mask_frames=(0,)).notes
    assert not any(note.code == "mask_frame_assumed" for note in named)


@pytest.mark.parametrize("shift", [1, 4])
def test_whole_cycles_of_one_plane_are_two_readers(tmp_path, shift):
    write_nifti(tmp_path / "one.nii", LABELS, AFFINE, STEP_MS)
    write_nifti(tmp_path / "two.nii", np.roll(LABELS, shift, axis=3), AFFINE, STEP_MS)
    for read in (load_case, read_drawn_heart):
        with pytest.raises(LaMoDInputError, match=r"two readers .*`lamod check one.nii --second two.nii`"):
            read([tmp_path / "one.nii", tmp_path / "two.nii"])


def without_orientation(path):
    data = bytearray(path.read_bytes())
    struct.pack_into("<2h", data, 252, 0, 0)
    path.write_bytes(data)
    return path


def test_two_readers_of_a_plane_without_orientation_are_noted(tmp_path):
    moved = AFFINE.copy()
    moved[:3, 3] += 0.3 * moved[:3, 0]  # the second reader's contours lie a millimetre beside those of the first
    planes = stack_affine(SHAPE, (3.0, 3.0), slices=2, gap_mm=10.0)
    neighbours = heart_labels(planes, SHAPE, slices=2, frames=FRAMES)
    found = []
    for name, labels in {
        "reader": heart_labels(moved, SHAPE, slices=1, frames=FRAMES),
        "same": LABELS,
        "neighbour": neighbours[:, 1:],
    }.items():
        first = neighbours[:, :1] if name == "neighbour" else LABELS
        write_nifti(tmp_path / "one.nii", first, AFFINE, STEP_MS)
        write_nifti(tmp_path / f"{name}.nii", labels, AFFINE, STEP_MS)
        case = load_case([without_orientation(tmp_path / each) for each in ("one.nii", f"{name}.nii")])
        found.append("slices_alike" in {each.code for each in case.notes})
    assert found == [True, True, False]


def test_structures_in_separate_files_are_named_as_such(tmp_path):
    write_nifti(tmp_path / "wall.nii", np.equal(LABELS, MYO).astype(np.uint8), AFFINE, STEP_MS)
    write_nifti(tmp_path / "cavity.nii", np.equal(LABELS, 3).astype(np.uint8), AFFINE, STEP_MS)
    with pytest.raises(LaMoDInputError, match=r"cavity.nii.* structures in separate files"):
        load_case([tmp_path / "wall.nii", tmp_path / "cavity.nii"])


def test_a_second_reader_on_other_pixels(tmp_path):
    fine = stack_affine((60, 66), (2.0, 2.0), slices=1)
    write_nifti(tmp_path / "one.nii", LABELS, AFFINE, STEP_MS)
    write_nifti(tmp_path / "two.nii", heart_labels(fine, (60, 66), slices=1, frames=FRAMES), fine, STEP_MS)
    with pytest.raises(LaMoDInputError, match="--second"):
        load_case([tmp_path / "one.nii", tmp_path / "two.nii"])


def test_a_cine_with_one_series_per_image(tmp_path, plain):
    """Its images are gathered: in the order of trigger times, whatever the instance numbers."""

    def alone(ds, t, k):
        ds.SeriesInstanceUID, ds.InstanceNumber = f"1.2.3.{t}", 1

    write_dicom_frames(tmp_path / "cine", CINE, AFFINE, times=TIMES_MS, edit=alone)
    (stack,) = read_images(tmp_path / "cine")
    np.testing.assert_array_equal(stack.frames, CINE)
    assert any(note.code == "dicom_series_gathered" for note in stack.notes)
    write_nifti(tmp_path / "masks.nii", LABELS, AFFINE, STEP_MS)
    same(load_case(tmp_path / "masks.nii", cine=tmp_path / "cine"), plain)


def test_two_acquisitions_in_one_series_are_refused(tmp_path):
    """Version 1 kept one image of each trigger time."""
    write_dicom_frames(tmp_path / "d", CINE, AFFINE, times=TIMES_MS)

    def again(ds, t, k):
        ds.SOPInstanceUID = ds.file_meta.MediaStorageSOPInstanceUID = f"1.2.3.{t}"
        ds.InstanceNumber = 100 + t

    write_dicom_frames(tmp_path / "d", np.roll(CINE, 3, axis=3), AFFINE, times=TIMES_MS, edit=again)
    with pytest.raises(LaMoDInputError, match=r"two different images .* trigger time"):
        read_images(tmp_path / "d")


def test_masks_of_which_a_file_is_damaged_are_refused(tmp_path, cine):
    """Version 1 left the file out, and with it a frame."""
    folder = objects(tmp_path / "seg", cine[1], instance=lambda t: t + 1)
    load_case(folder)
    damaged = sorted(folder.iterdir())[-1]
    damaged.write_bytes(damaged.read_bytes()[:132] + b"\xff" * 400)
    with pytest.raises(LaMoDInputError, match="1 DICOM file"):
        load_case(folder)

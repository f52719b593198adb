"""Notes: their table of codes, their JSON form, and how equal notes are grouped."""

from __future__ import annotations

import pytest

from LaMoDCore.heart.notes import CODES, SEVERITIES, Note, grouped, note, number_list, of_slice


def test_a_note_has_the_severity_and_remedy_of_its_code():
    found = note("slice_left_out", "A slice was left out.", source="a.nii")
    assert (found.severity, found.remedy) == ("error", CODES["slice_left_out"].remedy)
    other = note("slice_left_out", "A slice was left out.", severity="info", remedy="")
    assert (other.severity, other.remedy) == ("info", "")


def test_unknown_codes_and_severities_are_refused():
    with pytest.raises(ValueError, match="no note code"):
        note("nothing", "Nothing.")
    with pytest.raises(ValueError, match="severity must be one of info, warning, error"):
        Note("rr_assumed", "grave", "The cycle was assumed.")


def test_a_code_of_a_later_version_is_kept():
    later = Note.from_dict({"code": "of_the_future", "severity": "warning", "text": "Something new."})
    assert (later.code, later.severity) == ("of_the_future", "warning")


def test_whole_case_and_single_slices_are_not_joined():
    notes = [note("rr_assumed", "The cycle was assumed."), note("rr_assumed", "The cycle was assumed.", slice=3)]
    assert [group.slices for group in grouped(notes)] == [(), (3,)]
    frames = [note("contours_unsure", "Unsure.", slice=1), note("contours_unsure", "Unsure.", slice=1, frame=2)]
    assert [group.frames for group in grouped(frames)] == [(), (2,)]
    lost = [note("slice_left_out", "A slice was left out.", source=name) for name in ("a", "b", "c")]
    assert [group.count for group in grouped(lost)] == [3]


@pytest.mark.parametrize(
    "given",
    [
        note("rr_assumed", "The cycle was assumed."),
        note("contours_carried", "Contours were carried.", slice=2, frame=0, source="series 3, slice 1"),
    ],
)
def test_json_round_trip(given):
    assert Note.from_dict(given.to_dict()) == given


@pytest.mark.parametrize("stored", [{}, {"code": "rr_assumed", "severity": "info"}, {"code": "x", "severity": "info"}])
def test_incomplete_json_is_refused(stored):
    with pytest.raises(ValueError):
        Note.from_dict(stored)


def test_the_table_has_sentences_and_known_severities():
    for code, row in CODES.items():
        assert code == code.lower()
        assert row.severity in SEVERITIES
        assert row.meaning.endswith(".")
        assert not row.remedy or row.remedy.endswith(".")
        assert "--" not in row.meaning + row.remedy  # a remedy fits every user interface


def test_equal_notes_are_grouped_over_frames_then_slices_and_sorted_by_severity():
    carried = [note("contours_carried", "Carried.", frame=t, slice=z) for z in (1, 2) for t in (3, 4)]
    other = note("contours_carried", "Carried.", frame=9, slice=3)
    assumed = of_slice([note("rr_assumed", "Assumed.")], 2)
    lost = note("slice_left_out", "Left out.")
    groups = grouped([*assumed, *carried, other, lost])
    assert [(g.note.code, g.slices, g.frames) for g in groups] == [
        ("slice_left_out", (), ()),
        ("contours_carried", (1, 2), (3, 4)),
        ("contours_carried", (3,), (9,)),
        ("rr_assumed", (2,), ()),
    ]


@pytest.mark.parametrize(
    ("numbers", "most", "text"),
    [
        ([3], None, "3"),
        ([5, 3, 5], None, "3 and 5"),
        ([3, 4, 5, 6, 9, 11], None, "3–6, 9 and 11"),
        ([0, 2, 4, 6, 7, 8, 10], 4, "0, 2, 4 and 4 more"),
        ([0, 1, 2], 1, "0–2"),
    ],
)
def test_number_list(numbers, most, text):
    assert number_list(numbers, most) == text

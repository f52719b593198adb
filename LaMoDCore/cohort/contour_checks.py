"""Check the contours of every case of a cohort, and write a report per case and an index."""

from __future__ import annotations

import csv
import io
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import quote

from LaMoDCore.cohort.work_list import CohortCase, faults_of_list, list_cases
from LaMoDCore.contours.check import ContourReport, check_contours
from LaMoDCore.contours.findings import Light
from LaMoDCore.contours.input_notes import input_notes
from LaMoDCore.contours.report_files import as_dictionary, write_findings
from LaMoDCore.contours.review import SliceReview, review_of
from LaMoDCore.heart.case import CineSlice
from LaMoDCore.heart.notes import Note, Severity, grouped
from LaMoDCore.io.case.drawn_slices import DrawnHeart, read_drawn_heart
from LaMoDCore.io.contours.foreign import is_foreign
from LaMoDCore.report.html.check_page import SLICE_SIDE, FindingRow, FrameStrip, check_page
from LaMoDCore.report.html.cohort_page import CohortEntry, Headings, Measure, cohort_page
from LaMoDCore.report.html.thumbnail import contour_picture
from LaMoDCore.report.numbering import frames_text, reason_on_page, slices_text
from LaMoDCore.report.wording import line_of_group
from LaMoDCore.runtime.errors import LaMoDInputError, reason_of, shareable_reason
from LaMoDCore.runtime.output.new_folder import is_full_disk, new_folder
from LaMoDCore.runtime.plain_text import counted, table_row
from LaMoDCore.runtime.progress import SILENT, Progress

#: Contents of the output folder, for its marker.
CONTENTS = "contour reports of a cohort"
COLUMNS = ("id", "slices", "frames", "look", "repair", "unsure", "severity", "note", "failure")
MEASURES = {
    "repair": Measure("Frames to repair", ""),
    "look": Measure("Frames to look at", ""),
    "unsure": Measure("Unsure, not reviewed", ""),
    "frames": Measure("Frames", ""),
}
_PAGE = "check.html"


@dataclass(frozen=True)
class CheckedCase:
    """One case.

    Attributes:
        id: its name.
        slices, frames: numbers of slices and of frames of all slices.
        look, repair: numbers of frames that a person must look at, and that must be repaired.
        unsure: number of frames with unsure automatic contours that nobody has reviewed.
        contours: who drew them.
        severity, note: worst finding or note; None and "" without any.
        picture: thumbnail as a WebP file.
        failure: why the case could not be read; "" if it could.
        shareable: the same without paths.
    """

    id: str
    slices: int = 0
    frames: int = 0
    look: int = 0
    repair: int = 0
    unsure: int = 0
    contours: str = ""
    severity: Severity | None = None
    note: str = ""
    picture: bytes = field(default=b"", repr=False)
    failure: str = ""
    shareable: str = ""

    @property
    def is_clean(self) -> bool:
        """Whether nobody has to look at it."""
        return not (self.failure or self.look or self.repair or self.unsure or self.severity == "error")


def check_cohort(
    folder: str | Path,
    out: str | Path,
    *,
    split: str | None = None,
    labels: str | None = None,
    html: bool = False,
    progress: Progress = SILENT,
) -> list[CheckedCase]:
    """Check every case of a dataset, or of a folder in which every mask file and every subfolder is one case.

    Writes ``cases/ID/`` as `lamod check --out` does, and checks.csv; with `html` also a page per case and index.html.
    A case that cannot be read does not stop the others.

    Args:
        folder: the cohort.
        out: the folder to write.
        split: only this split of a dataset.
        labels: meaning of the values of plain mask files.
        html: whether to write pages.
        progress: updated before every case.

    Raises:
        LaMoDInputError: the cohort or `out` cannot be used, or Bokeh is needed and not installed.
    """
    cases = list_cases(Path(folder), split)
    with new_folder(out, CONTENTS, "check", [folder]) as home:
        found = []
        for number, case in enumerate(cases):
            progress.update("check", number / len(cases), f"{case.id} ({number + 1} of {len(cases)})")
            try:
                found.append(_checked(case, home / "cases" / case.id, labels, html=html))
            except Exception as error:  # one bad case must not stop the others
                if is_full_disk(error):
                    raise
                shutil.rmtree(home / "cases" / case.id, ignore_errors=True)  # such as a report without its page
                found.append(CheckedCase(case.id, failure=reason_of(error), shareable=shareable_reason(error)))
        found += [CheckedCase(name, failure=why, shareable=why) for name, why in faults_of_list(Path(folder)).items()]
        (home / "checks.csv").write_text(_table(found), encoding="utf-8", newline="")
        if html:
            (home / "index.html").write_text(check_index(found), encoding="utf-8", newline="")
    return found


def _checked(case: CohortCase, home: Path, labels: str | None, *, html: bool) -> CheckedCase:
    masks, cines = [case.path], []
    if case.dataset is not None:
        masks = [case.path / "masks.seq.nrrd"]
        cines = [path for path in [case.path / "cine.seq.nrrd"] if path.is_file()]
    heart = read_drawn_heart(masks, cine=cines, labels=labels)
    slices = [drawn.slice for drawn in heart.slices]
    report = check_contours(slices, heart.reference_frame, [drawn.partly_drawn for drawn in heart.slices])
    reviews = review_of(slices)
    of_table = {finding.fault.code for finding in report.findings}
    notes = [_on_page(note) for note in _notes(masks, cines, labels, heart) if note.code not in of_table]
    home.mkdir(parents=True)
    # slices are named by number in the picture, because their names may be a person's
    named = [replace(slice_, name=f"slice {number}") for number, slice_ in enumerate(slices, start=1)]
    names = write_findings(report, named, home)
    lights = [light for k in range(len(slices)) for light in report.lights(k)]
    first = next(iter(grouped([*(finding.note for finding in report.findings), *notes])), None)
    checked = CheckedCase(
        id=case.id,
        slices=len(slices),
        frames=sum(report.frames),
        look=lights.count(Light.LOOK),
        repair=lights.count(Light.REPAIR),
        unsure=sum(len(review.unsure) for review in reviews if review is not None),
        contours=_contours(reviews),
        severity=None if first is None else first.note.severity,
        note="" if first is None else first.note.text,
        picture=contour_picture(slices[len(slices) // 2], _drawn_frame(slices[len(slices) // 2], heart)),
    )
    if html:
        picture = home / "findings.png" if "findings.png" in names else None
        text = _page(checked, report, heart, notes, picture)
        (home / _PAGE).write_text(text, encoding="utf-8", newline="")
    return checked


def _notes(masks: Sequence[Path], cines: Sequence[Path], labels: str | None, heart: DrawnHeart) -> Sequence[Note]:
    """The notes of `lamod check` on one case."""
    if any(is_foreign(path) for path in masks):
        return heart.notes
    return input_notes(masks, cine=cines, labels=labels, heart=heart)


def _on_page(note: Note) -> Note:
    return replace(note, text=reason_on_page(note.text)) if note.code == "input_refused" else note


def _drawn_frame(slice_: CineSlice, heart: DrawnHeart) -> int:
    """End-diastole, or the first frame with contours if it has none."""
    frame = min(heart.reference_frame, slice_.frames - 1)
    drawn = [t for t, mask in enumerate(slice_.myocardium) if mask.any()]
    return frame if frame in drawn or not drawn else drawn[0]


def _contours(reviews: Sequence[SliceReview | None]) -> str:
    automatic = [review for review in reviews if review is not None]
    if not automatic:
        return "drawn"
    return "automatic, reviewed" if all(r.origin.is_reviewed for r in automatic) else "automatic, not reviewed"


def _page(
    checked: CheckedCase,
    report: ContourReport,
    heart: DrawnHeart,
    notes: Sequence[Note],
    picture: Path | None,
) -> str:
    """Slices are named by number, because their names may be a person's."""
    slices = [drawn.slice for drawn in heart.slices]
    reviews = review_of(slices)
    strips = []
    for number, part in enumerate(as_dictionary(report, reviews)["slices"], start=1):
        slice_, review = slices[number - 1], reviews[number - 1]
        frame = _drawn_frame(slice_, heart)
        strips.append(
            FrameStrip(
                f"Slice {number}, {slice_.level}",
                _words(part["lights"], () if review is None else review.unsure),
                contour_picture(slice_, frame, SLICE_SIDE),
                "end-diastole" if frame == heart.reference_frame else frames_text([frame]),
            )
        )
    findings = []
    for group in grouped(finding.note for finding in report.findings):
        where = [slices_text(group.slices)] if len(slices) > 1 and group.slices else []
        where += [frames_text(group.frames)] if group.frames else []
        light = Light.REPAIR if group.note.severity == "error" else Light.LOOK
        text = " ".join(part for part in (group.note.text, group.note.remedy) if part)
        findings.append(FindingRow(", ".join(where).capitalize(), light.value, text))
    listed = [(group.note.severity, line_of_group(group, len(slices))) for group in grouped(notes)]
    facts = (
        f"{counted(checked.slices, 'slice')}, {counted(checked.frames, 'frame')}, {checked.contours}: "
        f"{checked.repair} to repair, {checked.look} to look at"
        + (f", {checked.unsure} unsure and not reviewed" if checked.unsure else "")
    )
    return check_page(facts, strips, findings, listed, picture)


def _words(lights: Sequence[str], unsure: Sequence[int]) -> tuple[str, ...]:
    """The word of each frame: its light, or unsure where no check found anything."""
    return tuple("unsure" if word == "good" and t in unsure else word for t, word in enumerate(lights))


def check_index(cases: Sequence[CheckedCase]) -> str:
    """The text of index.html."""
    entries = [
        CohortEntry(
            id=case.id,
            page="" if case.failure else f"cases/{quote(case.id)}/{_PAGE}",
            picture=case.picture,
            measures={} if case.failure else {key: float(getattr(case, key)) for key in MEASURES},
            about="" if case.failure else str(case.slices),
            contours=case.contours,
            severity=case.severity,
            note=case.note,
            failure=case.shareable,
        )
        for case in cases
    ]
    headings = Headings(
        title="Contours of a cohort", done="checked", picture="Image", about="Slices", notes="Worst finding"
    )
    without = () if any(case.unsure for case in cases) else ("unsure",)
    return cohort_page(entries, {key: MEASURES[key] for key in MEASURES if key not in without}, headings)


def _table(cases: Sequence[CheckedCase]) -> str:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, COLUMNS, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    for case in cases:
        writer.writerow(table_row({name: getattr(case, name) for name in COLUMNS}))
    return text.getvalue()


def refuse_all_failed(cases: Sequence[CheckedCase], folder: str | Path) -> None:
    """Refuse a cohort of which no case could be read.

    Raises:
        LaMoDInputError: with the reason of the first case.
    """
    if cases and all(case.failure for case in cases):
        none = "its only case cannot" if len(cases) == 1 else f"none of its {len(cases)} cases can"
        example = f"{'' if len(cases) == 1 else 'such as '}{cases[0].id}: {cases[0].failure}"
        reason = f"{none} be read, {example}"
        raise LaMoDInputError(folder, reason.rstrip("."), "see checks.csv")

"""Evaluate every method on every case of a split, and write the results."""

from __future__ import annotations

import json
import shutil
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from LaMoDCore import __version__
from LaMoDCore.evaluation.figures import Example, PairedExample, own_cohort, write_figures
from LaMoDCore.evaluation.lesions import REMOTE, against_healthy, detection_auc, infarcted_segments
from LaMoDCore.evaluation.pages.case_pages import CasePages
from LaMoDCore.evaluation.pages.index_page import evaluation_index
from LaMoDCore.evaluation.people.page import PDF_FILE, write_agreement_pdf
from LaMoDCore.evaluation.people.report import CSV_FILE, people_agreement, people_section, write_agreement_csv
from LaMoDCore.evaluation.prediction_cache import SECONDS
from LaMoDCore.evaluation.predictors import Predictor, zero_motion
from LaMoDCore.evaluation.records import OWN, PAIRED, CaseComparison, CaseRecord, SegmentRecord, compare
from LaMoDCore.evaluation.rotation_blind import synthetic_reference
from LaMoDCore.evaluation.tables import bracket, comparison_page, write_csv
from LaMoDCore.evaluation.truth import Truth, drawn_case, truth_of
from LaMoDCore.heart.case import Case, Motion, SliceStrain
from LaMoDCore.heart.contour_convention import CONVENTION_WORDS, as_convention
from LaMoDCore.io.dataset.checks import refuse_faulty_index
from LaMoDCore.io.dataset.folder import DatasetEntry, DatasetIndex, case_details, read_dataset_case
from LaMoDCore.runtime.errors import LaMoDError, LaMoDInputError, reason_of, shareable_reason
from LaMoDCore.runtime.even_selection import spread_evenly
from LaMoDCore.runtime.output.new_folder import check_new_folder, new_folder
from LaMoDCore.runtime.progress import SILENT, Progress
from LaMoDCore.strain import end_systole

_CONTENTS = "a LaMoD evaluation"
_MAX_EXAMPLES = 4


@dataclass
class EvaluationRecords:
    """All records in the order of cases and methods, and the cases that were left out.

    Attributes:
        cases: one record per case, method and kind of truth.
        segments: one record per segment, method and kind of truth.
        unreadable: ids of unreadable cases, with the reasons.
        shareable: the same reasons without paths, by id.
        without_truth: ids of cases without measured motion and without a pair.
    """

    cases: list[CaseRecord] = field(default_factory=list)
    segments: list[SegmentRecord] = field(default_factory=list)
    unreadable: list[tuple[str, str]] = field(default_factory=list)
    shareable: dict[str, str] = field(default_factory=dict)
    without_truth: list[str] = field(default_factory=list)


def check_output(out: str | Path, inputs: Iterable[str | Path] = ()) -> Path:
    """Check, before the work starts, whether an evaluation can be written to `out`.

    Args:
        out: the folder.
        inputs: files and folders that are read; none of them may lie in `out`.

    Raises:
        LaMoDInputError: it is a file, read-only, or holds files that are not an unchanged evaluation.
    """
    return check_new_folder(out, _CONTENTS, inputs)


def evaluate(
    index: DatasetIndex,
    predictors: Sequence[Predictor],
    *,
    split: str = "test",
    limit: int | None = None,
    progress: Progress = SILENT,
    pages: CasePages | None = None,
) -> EvaluationRecords:
    """Compare every method with the truth on every case of a split.

    A case with measured motion is compared pixel by pixel; a cine case that is paired with a DENSE case is compared
    segment by segment with it. A method that fails on a case counts as predicting no motion; unreadable cases are
    reported and left out.

    Args:
        index: the dataset.
        predictors: the methods.
        split: train, val or test.
        limit: maximum number of cases, spread evenly over the split.
        progress: updated before every case.
        pages: writes a page of every case, of the last method.

    Raises:
        LaMoDInputError: see `chosen_entries`, or no case has a truth.
    """
    entries = chosen_entries(index, split, limit)
    found = EvaluationRecords()
    found.unreadable += [(fault.case, f"dataset.json: {fault.reason}") for fault in index.faults]
    found.shareable |= dict(found.unreadable)
    for number, entry in enumerate(entries):
        progress.update("evaluate", number / len(entries), f"{entry.id} ({number + 1} of {len(entries)})")
        try:
            case, truths = load_truths(index, entry, pictures=pages is not None)
            comparisons = _comparisons(entry, predictors, case, truths)
        except Exception as error:  # one bad case must not stop the evaluation
            found.unreadable.append((entry.id, reason_of(error)))
            found.shareable[entry.id] = shareable_reason(error)
            continue
        if not truths:
            found.without_truth.append(entry.id)
        for comparison in comparisons:
            found.cases.append(comparison.case)
            found.segments.extend(comparison.segments)
        if pages is not None and truths:
            pages.add(entry.id, case, comparisons[-len(truths)], truths[0][1])
    if not found.cases:
        raise LaMoDInputError(
            index.folder,
            f"no case of the split '{split}' could be compared with a truth",
            "give a dataset whose cases contain displacement.npz or are paired with such cases",
        )
    return found


def _comparisons(
    entry: DatasetEntry, predictors: Sequence[Predictor], case: Case, truths: Sequence[tuple[str, Truth]]
) -> list[CaseComparison]:
    """Every method compared with every truth of a case."""
    found = []
    for predictor in predictors if truths else ():
        motion, seconds, failed = _predict(predictor, case)
        for kind, truth in truths:
            found.append(_compare(entry, predictor, case, motion, truth, kind, seconds, failed))
    return found


def load_truths(
    index: DatasetIndex, entry: DatasetEntry, *, pictures: bool = False
) -> tuple[Case, list[tuple[str, Truth]]]:
    """Read a case as drawn, with its own truth and that of its paired case, if they exist.

    Raises:
        LaMoDInputError: a file of either case cannot be used.
    """
    data = read_dataset_case(index.folder, entry.id, pictures=pictures)
    truths = []
    own = truth_of(data)
    if own is not None:
        truths.append((OWN, own))
    if entry.cohort == "cine" and data.paired_with is not None:
        partner = truth_of(read_dataset_case(index.folder, data.paired_with))
        if partner is not None:
            truths.append((PAIRED, partner))
    return drawn_case(data), truths


def write_evaluation(
    out: str | Path,
    index: DatasetIndex,
    predictors: Sequence[Predictor],
    found: EvaluationRecords,
    *,
    split: str,
    settings: dict[str, object],
    figures: bool = True,
    pages: CasePages | None = None,
) -> list[Path]:
    """Write tables, page and figures to the folder `out`, which appears complete or not at all.

    With `pages` also index.html and the pages of the cases.

    Raises:
        LaMoDInputError: see `check_output`.
    """
    synthetic = index.about.get("made_by") == "lamod phantom" or index.about.get("synthetic") is True
    note = "Synthetic data (LaMoD phantom)" if synthetic else f"Dataset {index.folder.name}"
    remarks = [
        f"Split '{split}' of the dataset '{index.folder.name}'; LaMoD {__version__}; "
        + "; ".join(f"{key} {value}" for key, value in settings.items())
        + "."
    ]
    if synthetic:
        remarks.append("**Synthetic hearts.** These numbers cannot be compared with results on real DENSE.")
    reference = synthetic_reference(index, list(dict.fromkeys(r.id for r in found.cases)))
    if reference is not None:
        remarks.append(reference.sentence)
    remarks += [f"Left out: {case_id}: {reason}" for case_id, reason in found.unreadable]
    if found.without_truth:
        remarks.append(f"Cases without a truth: {len(found.without_truth)}.")
    names = ["cases.csv", "segments.csv", "results.md", "evaluation.json"]
    with new_folder(out, _CONTENTS, "evaluate") as folder:
        write_csv(folder / "cases.csv", found.cases)
        write_csv(folder / "segments.csv", found.segments)
        page = comparison_page(
            "Evaluation",
            found.cases,
            found.segments,
            remarks=remarks,
            reference_mm=None if reference is None else reference.epe_mm,
        )
        page += detection_section(index, found, [p.name for p in predictors])
        agreement = people_agreement(found.cases, found.segments, _contours(index, found))
        if agreement is not None:
            write_agreement_csv(folder / CSV_FILE, agreement)
            dataset = "Synthetic hearts" if synthetic else f"Dataset {index.folder.name}"
            write_agreement_pdf(folder / PDF_FILE, agreement, dataset, f"LaMoD {__version__}")
            page += f"\n{people_section(agreement)}\nThe same on one page: [{PDF_FILE}]({PDF_FILE})\n"
            names += [CSV_FILE, PDF_FILE]
        if figures:
            examples, paired = examples_of(index, predictors, found), paired_examples_of(index, predictors, found)
            drawn = write_figures(folder, examples, paired, found.cases, found.segments, note)
            page += "\n## Figures\n\n" + "\n".join(f"![{name}]({name})\n" for name in drawn)
            names += drawn
        if pages is not None:
            used = "; ".join(f"{key} {value}" for key, value in settings.items())
            _write_pages(folder, found, pages, f"Split “{split}”; LaMoD {__version__}; {used}.")
            page += "\nAll cases as a page for browsers: [index.html](index.html)\n"
            names.append("index.html")
        (folder / "results.md").write_text(page, encoding="utf-8", newline="\n")
        about = {
            "lamod_version": __version__,
            "dataset": index.folder.name,
            "synthetic": synthetic,
            "split": split,
            "methods": [p.name for p in predictors],
            **settings,
            "unreadable": [list(pair) for pair in found.unreadable],
            "without_truth": found.without_truth,
        }
        text = json.dumps(about, indent=2, ensure_ascii=False)
        (folder / "evaluation.json").write_text(text + "\n", encoding="utf-8", newline="\n")
    return [Path(out) / name for name in names]


def _write_pages(folder: Path, found: EvaluationRecords, pages: CasePages, remark: str) -> None:
    """Write index.html, and the pages of the cases that were written before."""
    if (pages.folder / "cases").is_dir():
        shutil.copytree(pages.folder / "cases", folder / "cases")
    text = evaluation_index(
        found.cases,
        found.segments,
        pages.found,
        failures=found.shareable,
        without_truth=found.without_truth,
        remarks=[remark],
    )
    (folder / "index.html").write_text(text, encoding="utf-8", newline="")


def _contours(index: DatasetIndex, found: EvaluationRecords) -> tuple[dict[str, int], dict[str, int]]:
    """Numbers of paired slices by origin and convention of their contours, of the cines and of their DENSE scans.

    Datasets that `lamod pair` did not write do not record it.
    """
    kinds: tuple[list[str], list[str]] = ([], [])
    for case_id in dict.fromkeys(r.id for r in found.cases if r.truth == PAIRED):
        about = [case_details(index.folder, case_id)]
        about.append(case_details(index.folder, str(about[0].get("paired_with"))))
        for scan, details in zip(kinds, about, strict=True):
            if isinstance(details.get("contours"), str):
                convention = as_convention(str(details.get("contour_convention")))
                stated = "convention not stated" if convention == "auto" else CONVENTION_WORDS[convention]
                scan.append(f"{details['contours']} ({stated})")
    return dict(Counter(kinds[0])), dict(Counter(kinds[1]))


def detection_section(index: DatasetIndex, found: EvaluationRecords, models: Sequence[str]) -> str:
    """Markdown: detection of infarcted segments by each method's segmental Ecc; "" without cases of known scar."""
    own = list(dict.fromkeys(r.id for r in found.cases if r.truth == OWN))
    infarcted = infarcted_segments(index, own)
    if len(set(infarcted.values())) < 2:
        return ""
    count = sum(infarcted.values())
    healthy = against_healthy(index, own, infarcted)
    lines = [
        "\n## Finding infarcted segments\n",
        f"{count} of {len(infarcted)} segments of infarct cases are more than 50 % scar. Area under the ROC curve "
        f"of Ecc at ES, and of Ecc minus the mean Ecc of remote myocardium (the {REMOTE} segments of the slice that "
        "shorten most): against the other segments of infarct hearts, and against the "
        f"{len(healthy) - count} segments of healthy hearts.\n",
        "| method | Ecc | Ecc minus remote | Ecc, healthy hearts | Ecc minus remote, healthy hearts |",
        "|---|---|---|---|---|",
    ]
    for model, truth in [*((model, False) for model in models), (models[-1], True)]:
        areas = [
            detection_auc(found.segments, model, chosen, relative=relative, truth=truth)
            for chosen in (infarcted, healthy)
            for relative in (False, True)
        ]
        lines.append(f"| {'true strain' if truth else model} | {' | '.join(bracket(area, 2) for area in areas)} |")
    return "\n".join(lines) + "\n"


def examples_of(index: DatasetIndex, predictors: Sequence[Predictor], found: EvaluationRecords) -> list[Example]:
    """For up to four diseases, the case with the median segmental error of the last method."""
    last = predictors[-1].name
    examples = []
    for entry in _middle_cases(index, [r for r in own_cohort(found.cases) if r.model == last]):
        case, truths = load_truths(index, entry, pictures=True)
        truth = dict(truths)[OWN]
        strains = _first_strains(entry, predictors, case, truth, OWN)
        examples.append(Example(_title(entry), case, truth, strains))
    return examples


def paired_examples_of(
    index: DatasetIndex, predictors: Sequence[Predictor], found: EvaluationRecords
) -> list[PairedExample]:
    """The same for cine cases with a paired DENSE case; empty without any."""
    last = predictors[-1].name
    examples = []
    for entry in _middle_cases(index, [r for r in found.cases if r.truth == PAIRED and r.model == last]):
        case, truths = load_truths(index, entry, pictures=True)
        truth = dict(truths)[PAIRED]
        strains = _first_strains(entry, predictors, case, truth, PAIRED)
        examples.append(PairedExample(_title(entry), case, end_systole(case), truth, strains))
    return examples


def _first_strains(
    entry: DatasetEntry, predictors: Sequence[Predictor], case: Case, truth: Truth, kind: str
) -> dict[str, SliceStrain]:
    """Strain of the first slice by every method."""
    compared = _comparisons(entry, predictors, case, [(kind, truth)])
    return {comparison.case.model: comparison.strains[0] for comparison in compared}


def _middle_cases(index: DatasetIndex, records: Sequence[CaseRecord]) -> list[DatasetEntry]:
    """For up to four diseases, the case with the median segmental error."""
    entries = {entry.id: entry for entry in index}
    known = [r for r in records if np.isfinite(r.ecc_error)]
    found = []
    for disease in list(dict.fromkeys(r.disease for r in known))[:_MAX_EXAMPLES]:
        ranked = sorted((r for r in known if r.disease == disease), key=lambda r: r.ecc_error)
        found.append(entries[ranked[(len(ranked) - 1) // 2].id])
    return found


def _title(entry: DatasetEntry) -> str:
    return ", ".join(part for part in (entry.disease, entry.level) if part) or entry.id


def chosen_entries(index: DatasetIndex, split: str, limit: int | None) -> list[DatasetEntry]:
    """The cases of a split, at most `limit` of them, spread evenly.

    Raises:
        LaMoDInputError: the split is empty, or a subject is also in another split.
    """
    refuse_faulty_index(index)
    entries = list(index.select(split=split))
    if not entries:
        known = ", ".join(sorted({e.split for e in index})) or "none"
        raise LaMoDInputError(
            index.folder, f"the dataset has no case in the split '{split}'", f"its splits are: {known}"
        )
    return entries if limit is None else [entries[i] for i in spread_evenly(len(entries), limit)]


def _predict(predictor: Predictor, case: Case) -> tuple[Motion, float, str]:
    began = time.perf_counter()
    try:
        motion = predictor.predict(case)
    except LaMoDError as error:
        return zero_motion(case), float("nan"), str(error)
    return motion, float(motion.provenance.get(SECONDS, time.perf_counter() - began)), ""


def _compare(
    entry: DatasetEntry,
    predictor: Predictor,
    case: Case,
    motion: Motion,
    truth: Truth,
    kind: str,
    seconds: float,
    failed: str,
) -> CaseComparison:
    model = predictor.name
    try:
        return compare(
            entry,
            model,
            case,
            motion,
            truth,
            kind=kind,
            seconds=seconds,
            failed=failed,
            calibration=predictor.calibration,
        )
    except LaMoDError as error:
        # strain cannot be computed on the drawn wall: use the true wall without motion
        return compare(entry, model, truth.case, zero_motion(truth.case), truth, kind=kind, failed=failed or str(error))

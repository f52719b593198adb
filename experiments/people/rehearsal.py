"""Rehearsal of a validation on people: a synthetic study as a scanner exports it, through `lamod pair` and `evaluate`.

    python -m experiments.people.rehearsal --out DIR [--persons 12] [--planes 0,1,3] [--models A,B,...]

Every person has localisers, a classic or enhanced cine of three short-axis slices, a long-axis cine, late enhancement,
T1 maps and cine DENSE with x, y and z encodings. Of two persons a DENSE slice is incomplete or missing. Half of the
persons have folders of equal names, the others only equal PatientIDs. The result is compared with `evaluate` on the
same pictures and contours without the DICOM step, and with the exact motion of the synthetic hearts. The hearts are
synthetic: the figures say nothing about people.
"""

from __future__ import annotations

import argparse
import csv
import math
import platform
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path

import numpy as np

from experiments.people.scanner import Examination, write_cine_study, write_dense_study
from experiments.people.study import ScannedPerson, scanned_person
from LaMoDCore.cli import main as lamod
from LaMoDCore.dense.analysis import DenseOptions, analyse_dense
from LaMoDCore.dense.output import dataset_case
from LaMoDCore.evaluation.prediction_cache import cached, open_prediction_cache
from LaMoDCore.evaluation.predictors import make_predictors
from LaMoDCore.evaluation.records import OWN, PAIRED, CaseRecord, SegmentRecord
from LaMoDCore.evaluation.run import EvaluationRecords, evaluate
from LaMoDCore.io.dataset.folder import (
    DatasetCase,
    DatasetEntry,
    DatasetIndex,
    edit_dataset_index,
    write_dataset_case,
    write_dataset_index,
)
from LaMoDCore.models.default_model import DEFAULT_MODEL
from LaMoDCore.pairing.planes import on_plane, shift_lps

DEFAULT_MODELS = f"zero,itk-demons,lddmm,{DEFAULT_MODEL}:no-diffusion,{DEFAULT_MODEL}:diffusion"
#: Images that were not exported, by person and index of the plane.
MISSING = {4: {1: "y"}, 9: {0: "all"}}
TOLERANCE = 1e-3
#: Method, mean error and bias against measured DENSE, mean error and bias against the exact motion.
ExactRow = tuple[str, float, float, float, float]


@dataclass(frozen=True)
class Folders:
    """Folders of the rehearsal: the study as exported, the paired dataset, the same without DICOM, and exact motion."""

    cine: Path
    dense: Path
    about: Path
    paired: Path
    direct: Path
    exact: Path
    evaluation: Path


def folders_in(out: Path) -> Folders:
    return Folders(
        out / "study" / "cine", out / "study" / "dense", out / "study" / "about.csv", out / "paired", out / "direct",
        out / "exact", out / "evaluation",
    )  # fmt: skip


def write_study(persons: Sequence[ScannedPerson], folders: Folders) -> None:
    """Write the study of all persons as a scanner exports it, and the table of persons."""
    rows = [("person", "subject", "disease", "levels", "rv_insertion")]
    for person in persons:
        number = person.number
        name = f"Beispiel{number:02d}_Anna"
        examination = Examination(f"REH-{7000 + number}", f"Beispiel{number:02d}^Anna", "19610203", "20240517")
        write_cine_study(folders.cine / name, person, examination, enhanced=number % 2 == 0)
        dense = name if number % 4 < 2 else f"dense_export_{number}"
        write_dense_study(folders.dense / dense, person, examination, without=MISSING.get(number))
        point = " ".join(f"{value:.10g}" for value in person.rv_insertion_lps)
        levels = " ".join(plane.cine.level for plane in person.planes)
        rows.append((name, subject_of(person), person.disease, levels, point))
    with folders.about.open("w", newline="", encoding="utf-8") as handle:
        csv.writer(handle).writerows(rows)


def subject_of(person: ScannedPerson) -> str:
    return f"p{person.number:02d}"


def pair(folders: Folders, smoothing_mm: float | None) -> None:
    """Run `lamod pair` on the study."""
    words = ["pair", str(folders.cine), str(folders.dense), "--out", str(folders.paired), "--about", str(folders.about)]
    words += [] if smoothing_mm is None else ["--smoothing-mm", str(smoothing_mm)]
    if lamod([*words, "--progress", "none"]) != 0:
        raise SystemExit("lamod pair failed")
    edit_dataset_index(folders.paired, lambda content: {**content, "synthetic": True}, command="rehearsal")


def write_direct(persons: Sequence[ScannedPerson], folders: Folders, smoothing_mm: float | None) -> None:
    """Write the dataset of the same pictures and contours without DICOM, and that with the exact motion."""
    direct: list[DatasetEntry] = []
    for person in persons:
        kept = [k for k in range(len(person.planes)) if k not in MISSING.get(person.number, {})]
        for number, k in enumerate(kept, start=1):
            plane = person.planes[k]
            names = {kind: f"{subject_of(person)}-{number}-{kind}" for kind in ("cine", "dense")}
            motion = analyse_dense(plane.dense, DenseOptions(smoothing_mm=smoothing_mm))
            own = on_plane(person.rv_insertion_lps, plane.cine.grid)
            measured = dataset_case(motion, names["dense"], person.disease)
            shift = shift_lps(plane.cine.masks[0, 0], plane.cine.grid, measured.masks[0, 0], measured.grid)
            moved = on_plane(own + shift, measured.grid)
            cine = _named(plane.cine, names["cine"], names["dense"], own)
            dense = _named(measured, names["dense"], names["cine"], moved)
            unknown = replace(cine, displacement_mm=None, valid=None, masks_true=None)
            write_dataset_case(folders.direct, unknown)
            write_dataset_case(folders.direct, replace(dense, level=cine.level))
            write_dataset_case(folders.exact, cine)
            write_dataset_case(folders.exact, _named(plane.exact_dense, names["dense"], names["cine"], moved))
            direct += [
                DatasetEntry(name, subject_of(person), "", "test", kind, person.disease, cine.level)
                for kind, name in names.items()
            ]
    for folder in (folders.direct, folders.exact):
        write_dataset_index(folder, direct, {"synthetic": True})


def _named(case: DatasetCase, name: str, partner: str, insertion: np.ndarray) -> DatasetCase:
    return replace(case, id=name, paired_with=partner, rv_insertion_lps=insertion)


def largest_difference(first: EvaluationRecords, second: EvaluationRecords) -> dict[str, float]:
    """Largest absolute difference of every number in the records of two evaluations, by its name.

    Raises:
        ValueError: the records are not of the same cases and methods.
    """
    found: dict[str, float] = {}
    for ours, theirs in ((first.cases, second.cases), (first.segments, second.segments)):
        keys = [_key(record) for record in ours]
        if sorted(keys) != sorted(_key(record) for record in theirs):
            raise ValueError("the two evaluations have different cases")
        others = {_key(record): record for record in theirs}
        for record in ours:
            for field in fields(record):
                value, other = getattr(record, field.name), getattr(others[_key(record)], field.name)
                if isinstance(value, float) and field.name != "seconds":
                    same = math.isnan(value) and math.isnan(other)
                    gap = 0.0 if same else abs(value - other)
                    found[field.name] = max(found.get(field.name, 0.0), math.inf if math.isnan(gap) else gap)
    return found


def _key(record: CaseRecord | SegmentRecord) -> tuple[object, ...]:
    more = (record.slice, record.segment) if isinstance(record, SegmentRecord) else ()
    return record.id, record.model, record.truth, *more


def against_exact(
    measured: EvaluationRecords, exact: EvaluationRecords
) -> list[tuple[str, float, float, float, float]]:
    """Mean error and bias of segmental Ecc at ES, by method: against measured DENSE, and against the exact motion.

    The last row is DENSE itself against the exact motion of its own slice.
    """
    rows = []
    models = list(dict.fromkeys(s.model for s in measured.segments))
    for model in models:
        numbers: list[float] = []
        for found, kind, cohort in ((measured, PAIRED, "cine"), (exact, OWN, "cine")):
            gaps = [
                s.ecc - s.ecc_true
                for s in found.segments
                if s.model == model and s.truth == kind and s.id.endswith(cohort)
            ]
            numbers += [float(np.nanmean(np.abs(gaps))), float(np.nanmean(gaps))]
        rows.append((model, *numbers))
    true = {(s.id, s.segment): s.ecc_true for s in exact.segments if s.truth == PAIRED and s.model == models[0]}
    gaps = [
        s.ecc_true - true[s.id, s.segment]
        for s in measured.segments
        if s.truth == PAIRED and s.model == models[0] and (s.id, s.segment) in true
    ]
    nan = float("nan")
    return [*rows, ("DENSE itself", nan, nan, float(np.nanmean(np.abs(gaps))), float(np.nanmean(gaps)))]


@dataclass(frozen=True)
class Rehearsal:
    """Outcome of a rehearsal.

    Attributes:
        differences: largest difference to the evaluation without DICOM, by name of the number.
        rows: see `against_exact`.
        seconds: wall and processor time of each step.
        persons, pairs: numbers of persons and pairs.
    """

    differences: dict[str, float]
    rows: list[ExactRow]
    seconds: dict[str, tuple[float, float]]
    persons: int
    pairs: int

    @property
    def strain_difference(self) -> float:
        """Largest difference of a strain."""
        return max(
            v for k, v in self.differences.items() if k.startswith(("ecc", "err", "gcs", "grs")) and "time" not in k
        )


def rehearse(
    out: Path, persons: Sequence[ScannedPerson], models: Sequence[str], *, smoothing_mm: float | None = None
) -> Rehearsal:
    """Write the study, pair it, and evaluate it in three ways.

    Args:
        out: an empty folder.
        persons: the synthetic persons.
        models: methods, as for `lamod evaluate --models`.
        smoothing_mm: smoothing length of the DENSE analysis; by cross-validation by default.
    """
    folders = folders_in(out)
    seconds: dict[str, tuple[float, float]] = {}
    _timed(seconds, "write the study", lambda: write_study(persons, folders))
    _timed(seconds, "lamod pair", lambda: pair(folders, smoothing_mm))
    _timed(seconds, "without DICOM", lambda: write_direct(persons, folders, smoothing_mm))
    found: dict[str, EvaluationRecords] = {}
    open_prediction_cache(out / "cache")
    predictors = [cached(each, out / "cache") for each in make_predictors(models, device="cpu", samples=None, seed=0)]
    for name in ("paired", "direct", "exact"):
        index = DatasetIndex.load(out / name)

        def run(name: str = name, index: DatasetIndex = index) -> None:
            found[name] = evaluate(index, predictors)

        _timed(seconds, f"evaluate {name}", run)
    pairs = len({r.id for r in found["paired"].cases if r.truth == PAIRED})
    return Rehearsal(
        largest_difference(found["paired"], found["direct"]),
        against_exact(found["paired"], found["exact"]),
        seconds,
        len(persons),
        pairs,
    )


def _timed(seconds: dict[str, tuple[float, float]], name: str, step: Callable[[], None]) -> None:
    began = time.perf_counter(), time.process_time()
    step()
    seconds[name] = time.perf_counter() - began[0], time.process_time() - began[1]
    print(f"{name}: {seconds[name][0]:.0f} s", flush=True)


def report(found: Rehearsal) -> str:
    """The outcome as Markdown."""
    worst = sorted(found.differences.items(), key=lambda item: -item[1])
    lines = [
        f"{found.persons} synthetic persons, {found.pairs} pairs; {platform.machine()}, {platform.system()}.",
        "",
        f"Largest difference of a strain to the evaluation without DICOM: {found.strain_difference:.2g}; "
        f"of any number: {', '.join(f'{name} {value:.2g}' for name, value in worst[:4])}.",
        "",
        "Segmental Ecc at end-systole, as a fraction:",
        "",
        "| method | mean error against DENSE as analysed | bias | mean error against the exact motion | bias |",
        "|---|---|---|---|---|",
    ]
    for name, *values in found.rows:
        lines.append(f"| {name} | " + " | ".join("–" if math.isnan(v) else f"{v:+.4f}" for v in values) + " |")
    lines += ["", "| step | wall time (s) | processor time (s) |", "|---|---|---|"]
    lines += [f"| {name} | {wall:.0f} | {cpu:.0f} |" for name, (wall, cpu) in found.seconds.items()]
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="empty folder for the study, datasets and evaluation")
    parser.add_argument("--persons", type=int, default=12, help="number of persons (default 12)")
    parser.add_argument("--planes", default="0,1,3", help="planes of a heart: base, mid, mid, apex (default 0,1,3)")
    parser.add_argument("--models", default=DEFAULT_MODELS, help=f"methods (default {DEFAULT_MODELS})")
    args = parser.parse_args()
    if args.out.exists() and any(args.out.iterdir()):
        parser.error(f"{args.out} is not empty")
    planes = tuple(int(plane) for plane in args.planes.split(","))
    persons: list[ScannedPerson] = []
    for number in range(1, args.persons + 1):
        persons.append(scanned_person(number, planes))
        print(f"scanned person {number} of {args.persons}", flush=True)
    found = rehearse(args.out, persons, args.models.split(","))
    words = ["--data", str(args.out / "paired"), "--out", str(args.out / "evaluation"), "--models", args.models]
    words += ["--cache", str(args.out / "cache")]

    def run() -> None:
        if lamod(["evaluate", *words, "--progress", "none"]) != 0:
            raise SystemExit("lamod evaluate failed")

    _timed(found.seconds, "lamod evaluate, with cached predictions", run)
    print(report(found))
    (args.out / "rehearsal.md").write_text(report(found), encoding="utf-8")
    if found.strain_difference > TOLERANCE:
        raise SystemExit(f"strains differ by {found.strain_difference:.2g}, more than {TOLERANCE:g}")


if __name__ == "__main__":
    main()

"""Figures for the phantom's documentation: statistics of a cohort, its contact sheet, and the test cohort's reference.

    python -m experiments.phantoms.phantom_report --out DIR [--subjects 500]

Writes statistics.md, contact-sheet.png, rotation-blind.md and rotation-blind.json into DIR.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from experiments.paths import RECIPES
from LaMoDCore.phantom.cohort.contact_sheet import write_contact_sheet
from LaMoDCore.phantom.cohort.recipe import CohortRecipe
from LaMoDCore.phantom.cohort.rotation_blind import RotationBlindRow, cohort_reference
from LaMoDCore.phantom.cohort.statistics import cohort_table, subject_statistics
from LaMoDCore.phantom.heart.diseases import DISEASES
from LaMoDCore.runtime.json_file import write_json

#: Seeds of the table's cohort, of the contact sheet, and of the subjects that the rotation model is fitted to.
_TABLE_SEED, _SHEET_SEED, _REFERENCE_SEED = 880001, 880002, 880003


def rotation_blind_table(rows: Sequence[RotationBlindRow]) -> str:
    """Markdown: mean errors in mm by disease and by level."""
    lines = [
        "| slices | n | EPE, cycle | EPE, end-systole | no motion, cycle | no motion, end-systole |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]

    def line(title: str, chosen: Callable[[RotationBlindRow], bool]) -> str:
        values = np.array([(r.epe, r.epe_es, r.zero, r.zero_es) for r in rows if chosen(r)])
        means = " | ".join(f"{mean:.2f}" for mean in values.mean(0))
        return f"| {title} | {len(values)} | {means} |"

    lines.append(line("**all**", lambda row: True))
    for disease in DISEASES:
        lines.append(line(disease, lambda row, d=disease: row.disease == d))  # type: ignore[misc]
    for level in ("base", "mid", "apex"):
        lines.append(line(level, lambda row, v=level: row.level == v))  # type: ignore[misc]
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--subjects", type=int, default=500)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)

    described = CohortRecipe(count=args.subjects, seed=_TABLE_SEED)
    subjects = [described.subject(k) for k in range(args.subjects)]
    table = cohort_table([(subject, subject_statistics(subject)) for subject in subjects])
    (args.out / "statistics.md").write_text(table, encoding="utf-8")

    shown = CohortRecipe(
        count=30, seed=_SHEET_SEED, diseases=tuple((name, 1.0) for name in DISEASES), allocation="even"
    )
    planes = [shown.subject(k).slices()[(k // len(DISEASES) + k % len(DISEASES)) % 4] for k in range(30)]
    write_contact_sheet(args.out / "contact-sheet.png", planes)

    frozen = json.loads((RECIPES / "phantom-test-v1.json").read_text(encoding="utf-8"))
    recipe = CohortRecipe.from_json(frozen["recipe"])
    model, rows = cohort_reference(recipe, CohortRecipe(count=1000, seed=_REFERENCE_SEED))
    (args.out / "rotation-blind.md").write_text(rotation_blind_table(rows), encoding="utf-8")
    means = {name: float(np.mean([getattr(r, name) for r in rows])) for name in ("epe", "epe_es", "zero", "zero_es")}
    write_json(args.out / "rotation-blind.json", {"mean_mm": means, "rotation_model": dict(model.lines)}, indent=1)
    print(table, rotation_blind_table(rows), sep="\n")


if __name__ == "__main__":
    main()

"""Grid search over settings, as in the paper: every combination is a separate run, and the best one is named.

A grid file is a JSON object of lists; nested settings have a dot:
    {"learning_rate": [1e-3, 1e-4], "alpha": [0.01, 0.1], "model.latent_channels": [16, 32]}
RUN/grid-001 … contain the runs; RUN/grid.md, grid.csv and grid.json compare them. A search that was stopped continues
with the missing runs.
"""

from __future__ import annotations

import csv
import io
import itertools
import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from LaMoDCore.models.run_folder import FINISHED
from LaMoDCore.runtime.errors import LaMoDInputError
from LaMoDCore.runtime.json_file import json_object_if_any, read_json
from LaMoDCore.runtime.output.growing_folder import GrowingFolder
from LaMoDCore.runtime.plain_text import table_cell
from LaMoDCore.runtime.schema import shown
from LaMoDCore.training.run.folder import CONTENTS
from LaMoDCore.training.run.settings import TrainingConfig

#: Each combination is a training run.
MOST_COMBINATIONS = 1000
#: Metrics by which combinations are compared; they do not depend on the weights of a loss.
_MEASURES = ("endpoint_mm", "mask_distance")


@dataclass(frozen=True)
class Combination:
    """One point of the grid.

    Attributes:
        name: name of its folder.
        changes: the settings that differ from the base.
        config: all settings.
    """

    name: str
    changes: Mapping[str, Any]
    config: TrainingConfig


@dataclass(frozen=True)
class Outcome:
    """Result of a combination.

    Attributes:
        combination: the point of the grid.
        measure: name of the metric, "" if the run failed.
        value: value of the metric at the best validation of the last stage that has it.
        failure: why there is no value.
    """

    combination: Combination
    measure: str
    value: float
    failure: str = ""


def read_grid(file: Path, base: TrainingConfig) -> list[Combination]:
    """Every combination of the lists in a grid file, applied to `base`.

    Raises:
        LaMoDInputError: the file is not a JSON object of lists, or a setting is unknown or has the wrong type.
    """
    lists = read_json(file, "give a JSON object of lists")
    if not lists or not all(isinstance(each, list) and each for each in lists.values()):
        raise LaMoDInputError(
            file.name, "it is not an object of lists", 'write it as {"learning_rate": [1e-3, 1e-4], ...}'
        )
    count = math.prod(len(each) for each in lists.values())
    if count > MOST_COMBINATIONS:
        raise LaMoDInputError(
            file.name,
            f"it has {count if count < 10**12 else 'more than 10¹²'} combinations, more than {MOST_COMBINATIONS}",
            "give fewer values",
        )
    try:
        return list(_combinations(lists, base))
    except (ValueError, TypeError) as error:
        raise LaMoDInputError(file.name, str(error), "correct that setting") from error


def _combinations(lists: Mapping[str, Sequence[Any]], base: TrainingConfig) -> Iterator[Combination]:
    for number, values in enumerate(itertools.product(*lists.values()), 1):
        changes = dict(zip(lists, values, strict=True))
        settings = base.to_dict()
        for key, value in changes.items():
            *path, last = key.split(".")
            inner = settings
            for name in path:
                deeper = inner.get(name)
                if not isinstance(deeper, dict):
                    raise ValueError(f"there is no setting {shown(key)}")
                inner = deeper
            if path and last not in inner:
                raise ValueError(f"there is no setting {shown(key)}")
            inner[last] = value
        yield Combination(f"grid-{number:03d}", changes, TrainingConfig.from_dict(settings))


def search(
    combinations: Sequence[Combination],
    folder: Path,
    train_one: Callable[[Combination, Path], None],
    *,
    writes: bool = True,
) -> list[Outcome]:
    """Train the combinations that are not finished, and compare all.

    Args:
        combinations: result of `read_grid`.
        folder: folder of the search.
        train_one: trains a combination in a folder, resuming an unfinished run.
        writes: whether this process writes the tables.

    Returns:
        outcomes, best first, failed runs last.
    """
    outcomes = []
    for combination in combinations:
        run = folder / combination.name
        failure = ""
        if not _is_finished(run, combination):
            try:
                train_one(combination, run)
            except LaMoDInputError as error:
                failure = str(error)
        outcomes.append(_outcome(combination, run, failure))
    outcomes.sort(key=lambda outcome: (bool(outcome.failure), outcome.value))
    if writes:
        write_tables(outcomes, folder)
    return outcomes


def _is_finished(run: Path, combination: Combination) -> bool:
    config = run / "config.json"
    if not (run / "metrics.json").is_file() or not (run / FINISHED / "model.json").is_file() or not config.is_file():
        return False
    kept = read_json(config, "choose another folder")
    if kept != json.loads(json.dumps(combination.config.to_dict())):
        raise LaMoDInputError(
            f"{run.parent.name}/{run.name}", "it contains a run of a different grid", "choose another folder"
        )
    return True


def _outcome(combination: Combination, run: Path, failure: str) -> Outcome:
    if failure:
        return Outcome(combination, "", float("inf"), failure)
    found = json_object_if_any(run / "metrics.json").get("validation")
    stages = found if isinstance(found, dict) else {}
    for measure in _MEASURES:
        for values in reversed(list(stages.values())):
            if isinstance(values, dict) and isinstance(values.get(measure), int | float):
                return Outcome(combination, measure, float(values[measure]))
    return Outcome(combination, "", float("inf"), "no stage has a metric for the comparison")


def write_tables(outcomes: Sequence[Outcome], folder: Path) -> None:
    """Write the comparison as grid.md, grid.csv and grid.json."""
    output = GrowingFolder(folder, CONTENTS, "train")
    output.open()
    names = list(outcomes[0].combination.changes)
    measure = outcomes[0].measure or "validation"
    rows = [
        [o.combination.name, *(json.dumps(o.combination.changes[n]) for n in names), o.failure or f"{o.value:.4f}"]
        for o in outcomes
    ]
    header = ["run", *names, f"{measure} (validation)"]
    table = io.StringIO()
    csv.writer(table, lineterminator="\n").writerows([[table_cell(cell) for cell in row] for row in (header, *rows)])
    lines = ["| " + " | ".join(row) + " |" for row in (header, ["---"] * len(header), *rows)]
    best = "" if outcomes[0].failure else outcomes[0].combination.name
    verdict = f"\nBest: **{best}**\n" if best else "\nNo combination could be trained.\n"
    content = {
        "best": best,
        "measure": measure,
        "runs": [
            {
                "run": o.combination.name,
                "settings": dict(o.combination.changes),
                "value": None if o.failure else o.value,
                "failure": o.failure,
            }
            for o in outcomes
        ],
    }
    for name, text in (
        ("grid.csv", table.getvalue()),
        ("grid.md", "\n".join(lines) + "\n" + verdict),
        ("grid.json", json.dumps(content, indent=2) + "\n"),
    ):
        output.write_text(name, text)

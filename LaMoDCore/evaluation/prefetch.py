"""Predictions of many cases made ahead by several processes, for methods that know nothing of a GPU."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from LaMoDCore.evaluation.prediction_cache import kept
from LaMoDCore.evaluation.predictors import UNLEARNED, Predictor, make_predictors
from LaMoDCore.evaluation.truth import drawn_case
from LaMoDCore.io.dataset.folder import DatasetEntry, DatasetIndex, read_dataset_case
from LaMoDCore.runtime.errors import LaMoDError
from LaMoDCore.runtime.progress import SILENT, Progress
from LaMoDCore.runtime.worker_pool import answers


def prefetch(
    index: DatasetIndex,
    entries: Sequence[DatasetEntry],
    names: Sequence[str],
    folder: Path,
    *,
    device: str,
    samples: int | None,
    seed: int,
    workers: int,
    progress: Progress = SILENT,
) -> None:
    """Fill a folder of kept predictions; what fails here fails again, and is named, when it is compared.

    Args:
        index: the dataset.
        entries: its cases.
        names: methods, as `make_predictors` takes them; on another device than the CPU, only those that learn nothing.
        folder: where predictions are kept.
        device, samples, seed: as `make_predictors`.
        workers: processes of one thread each.
        progress: told after every case.
    """
    chosen = [name for name in names if device == "cpu" or name in UNLEARNED]
    if not chosen or workers < 2:
        return
    set_up = partial(_set_up, index.folder, chosen, folder, samples, seed)
    for done, _ in enumerate(answers([entry.id for entry in entries], set_up, workers), 1):
        progress.update("predict", done / len(entries), f"{done} of {len(entries)} cases")


def _set_up(data: Path, names: Sequence[str], folder: Path, samples: int | None, seed: int) -> Callable[[str], None]:
    predictors = [kept(p, folder) for p in make_predictors(names, device="cpu", samples=samples, seed=seed)]
    return partial(_predict, data, predictors)


def _predict(data: Path, predictors: Sequence[Predictor], case_id: str) -> None:
    try:
        case = drawn_case(read_dataset_case(data, case_id))
    except LaMoDError:
        return
    for predictor in predictors:
        try:
            predictor.predict(case)
        except LaMoDError:
            continue

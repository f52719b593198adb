"""Fill the prediction cache with several processes, for methods that run on the CPU."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

from LaMoDCore.evaluation.prediction_cache import cached
from LaMoDCore.evaluation.predictors import UNTRAINED, Predictor, make_predictors
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
    sampling: Mapping[str, Any] | None = None,
    progress: Progress = SILENT,
) -> None:
    """Fill the prediction cache; failures are ignored here and reported when the case is compared.

    Args:
        index: the dataset.
        entries: its cases.
        names: methods, see `make_predictors`; on other devices than the CPU, only those without training are run.
        folder: the folder of the cache.
        device, samples, seed, sampling: see `make_predictors`.
        workers: number of processes with one thread each.
        progress: updated after every case.
    """
    chosen = [name for name in names if device == "cpu" or name in UNTRAINED]
    if not chosen or workers < 2:
        return
    set_up = partial(_set_up, index.folder, chosen, folder, samples, seed, sampling)
    with closing(answers([entry.id for entry in entries], set_up, workers)) as finished:
        for done, _ in enumerate(finished, 1):
            progress.update("predict", done / len(entries), f"{done} of {len(entries)} cases")


def _set_up(
    data: Path,
    names: Sequence[str],
    folder: Path,
    samples: int | None,
    seed: int,
    sampling: Mapping[str, Any] | None,
) -> Callable[[str], None]:
    made = make_predictors(names, device="cpu", samples=samples, seed=seed, sampling=sampling)
    predictors = [cached(predictor, folder) for predictor in made]
    return partial(_predict, data, predictors)


def _predict(data: Path, predictors: Sequence[Predictor], case_id: str) -> None:
    try:
        case = drawn_case(read_dataset_case(data, case_id))
    except Exception:  # it is named when it is compared
        return
    for predictor in predictors:
        try:
            predictor.predict(case)
        except LaMoDError:
            continue

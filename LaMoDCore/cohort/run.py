"""Predict every case of a cohort, and write its tables."""

from __future__ import annotations

import hashlib
import json
import time
import traceback
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from LaMoDCore import __version__
from LaMoDCore.cohort.ledger import Ledger
from LaMoDCore.cohort.shards import Shard
from LaMoDCore.cohort.work_list import (
    CohortCase,
    faults_of_list,
    input_fingerprint,
    list_cases,
    read_cohort_case,
    stated_convention,
)
from LaMoDCore.prediction.outputs import chosen_outputs
from LaMoDCore.runtime.errors import LaMoDError, LaMoDInputError, reason_of, shareable_reason
from LaMoDCore.runtime.progress import SILENT, Progress
from LaMoDCore.runtime.worker_pool import WorkerDied, answers


@dataclass(frozen=True)
class CohortOutcome:
    """Summary of one run of `predict_cohort`.

    Attributes:
        cases: number of cases in this process's shard.
        predicted: number of cases predicted now.
        kept: number of cases with an existing result.
        failures: reason, in one line, by case.
        seconds: duration of the run.
    """

    cases: int
    predicted: int
    kept: int
    failures: Mapping[str, str]
    seconds: float


@dataclass(frozen=True)
class _Job:
    """Settings of a worker; only plain values, because it is sent to other processes.

    Attributes:
        out: output folder of the cohort.
        inference: options of `predict_strain`, including model and device.
        request: fingerprint of everything except the masks that a result depends on.
        labels: meaning of the values in plain mask files.
        report: whether to draw a report for every case.
        outputs: other parts of a result to write; None for all.
    """

    out: Path
    inference: Mapping[str, Any]
    request: str
    labels: str | None
    report: bool
    outputs: tuple[str, ...] | None


@dataclass(frozen=True)
class _Answer:
    """Outcome of one case: the reason of a failure ("" without) for the tables and, without paths, for the page; its
    details; or whether its result already existed.
    """

    reason: str = ""
    shareable: str = ""
    detail: str = field(default="", repr=False)
    kept: bool = False


def predict_cohort(
    folder: str | Path,
    out: str | Path,
    inference: Mapping[str, Any],
    *,
    split: str | None = None,
    labels: str | None = None,
    report: bool = False,
    outputs: Iterable[str] | None = None,
    workers: int = 1,
    shard: Shard | None = None,
    progress: Progress = SILENT,
) -> CohortOutcome:
    """Predict every case of a folder that has no result yet; a failing case does not stop the others.

    An existing result is kept if it is complete and belongs to the same masks, model, settings and LaMoD version.
    Failed cases are tried again. The tables are written from the files on disk, so that they are complete when the
    last of several processes ends.

    Args:
        folder: a dataset, or a folder in which every mask file and every subfolder is a case.
        out: folder of results and tables; an earlier run is resumed.
        inference: options of `predict_strain` (model, device, sampler, steps, …).
        split: only this split of a dataset.
        labels: meaning of the values in plain mask files.
        report: whether to draw report.png and report.pdf for every case.
        outputs: other parts of a result to write, see `LaMoDCore.prediction.outputs`; None writes all of them. An
            existing result with another choice is predicted again.
        workers: number of processes on this machine, with one thread each.
        shard: this process's part of the cohort: every n-th case.
        progress: updated after every case, with the remaining time.

    Raises:
        LaMoDInputError: the folder, the model or `out` cannot be used.
        ValueError: `outputs` has an unknown name.
    """
    from LaMoDCore.models.folder import load_model

    began = time.monotonic()
    shard = shard or Shard()
    every = list_cases(Path(folder), split)
    mine = every[shard.rank :: shard.count]
    ledger = Ledger(Path(out))
    _open(ledger, Path(folder))
    digest = load_model(inference["model"]).weights_sha256
    parts = None if outputs is None else tuple(chosen_outputs([*outputs, *(["report"] if report else [])]))
    job = _Job(Path(out), dict(inference), _request(inference, digest, parts), labels, report, parts)

    failures: dict[str, str] = {}
    predicted = kept = 0
    finished = answers(mine, partial(_set_up, job), max(1, min(workers, len(mine))))
    with closing(finished):
        for done, (case, came) in enumerate(finished, 1):
            answer = _of_dead_worker(came) if isinstance(came, WorkerDied) else came
            if answer.reason:
                ledger.remove_leftovers()
                failures[case.id] = answer.reason
                ledger.record_failure(case.id, answer.reason, answer.shareable, answer.detail)
            else:
                ledger.forget_failure(case.id)
                kept, predicted = kept + answer.kept, predicted + (not answer.kept)
            left = (time.monotonic() - began) / max(1, done - kept) * (len(mine) - done)
            progress.update(
                "predict", done / len(mine), f"{done} of {len(mine)}, {len(failures)} failed, {_duration(left)}"
            )
    unlisted = faults_of_list(Path(folder))
    ledger.write_tables(every, unlisted)
    if "html" in (parts or ()):
        ledger.write_index(every, unlisted)
    else:
        ledger.refresh_index(every, unlisted)  # of an earlier run, whose numbers and pages are gone
    ordered = {case.id: failures[case.id] for case in mine if case.id in failures}
    ordered |= unlisted if shard.rank == 0 else {}
    return CohortOutcome(len(mine), predicted, kept, ordered, time.monotonic() - began)


def _open(ledger: Ledger, folder: Path) -> None:
    out, cohort = ledger.out.resolve(), folder.resolve()
    if out == cohort:
        raise LaMoDInputError(ledger.out, "it is the folder of the cohort", "name another folder for the results")
    if cohort in out.parents and not (folder / "dataset.json").is_file():
        raise LaMoDInputError(
            ledger.out, "it lies in the folder of the cohort, where it would count as a case", "name another folder"
        )
    try:
        ledger.open()
    except OSError as error:
        raise LaMoDInputError(
            ledger.out, f"it cannot be written ({error.strerror or error})", "name a folder that you can write to"
        ) from error


def _request(inference: Mapping[str, Any], weights_sha256: str, outputs: tuple[str, ...] | None) -> str:
    """Fingerprint of everything except the masks that a result depends on; the device does not count."""
    asked = {key: value for key, value in inference.items() if key not in ("model", "device")}
    asked |= {"weights": weights_sha256, "version": __version__}
    if outputs is not None:
        asked["outputs"] = [name for name in outputs if name != "report"]
    return hashlib.sha256(json.dumps(asked, sort_keys=True, default=str).encode()).hexdigest()


def _set_up(job: _Job) -> Callable[[CohortCase], _Answer]:
    """Load the model once per process; the returned function answers every case and raises no exception."""
    from LaMoDCore.models.folder import load_model
    from LaMoDCore.prediction.device_check import choose_device

    settings = dict(job.inference)
    device, _ = choose_device(settings.pop("device", "auto"))
    settings["model"] = load_model(settings["model"], device)
    return partial(_answered, job, settings)


def _answered(job: _Job, settings: Mapping[str, Any], case: CohortCase) -> _Answer:
    try:
        return _Answer(kept=not _predict(job, settings, case))
    except LaMoDError as error:
        return _Answer(reason_of(error), shareable_reason(error))
    except Exception as error:  # an error of LaMoD or lack of memory fails this case, not the cohort
        where = f"; see failures/{case.id}.json"
        return _Answer(reason_of(error) + where, shareable_reason(error) + where, traceback.format_exc())


def _of_dead_worker(worker: WorkerDied) -> _Answer:
    reason = f"its process was killed (exit code {worker.exit_code}); perhaps there was not enough memory"
    return _Answer(reason, reason)


def _predict(job: _Job, settings: Mapping[str, Any], case: CohortCase) -> bool:
    """Predict the case unless its result exists; returns whether it was predicted."""
    from LaMoDCore.io import write_result
    from LaMoDCore.prediction.predict import predict_strain
    from LaMoDCore.prediction.writer import check_output

    ledger = Ledger(job.out)
    stated = stated_convention(case)
    request = f"{job.request}:{input_fingerprint(case)}" + (f":{stated}" if stated else "")
    if ledger.request(case.id) == request:
        return False
    check_output(ledger.folder(case.id))
    pictures = job.report or "html" in (job.outputs or ())
    result = predict_strain(read_cohort_case(case, labels=job.labels, pictures=pictures), **settings)
    provenance = {**result.summary["provenance"], "cohort_request": request}
    result = replace(result, summary={**result.summary, "provenance": provenance})
    write_result(result, ledger.folder(case.id), report=job.report, outputs=job.outputs, command="predict-cohort")
    return True


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s left"
    return f"{seconds / 60:.0f} min left" if seconds < 5400 else f"{seconds / 3600:.1f} h left"

"""Write cohorts of synthetic subjects as dataset folders, with several processes."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from LaMoDCore.io.dataset.folder import (
    DATASET,
    INDEX_FILE,
    DatasetCase,
    DatasetEntry,
    write_dataset_case,
    write_dataset_index,
)
from LaMoDCore.phantom.cohort.cases import canonical_case, paired_cases
from LaMoDCore.phantom.cohort.contact_sheet import write_contact_sheet
from LaMoDCore.phantom.cohort.dense_pictures import (
    PICTURES_FOLDER,
    dense_pictures,
    following,
    magnitude_as_cine,
    write_dense_pictures,
)
from LaMoDCore.phantom.cohort.pairing import dense_scan, site_settings
from LaMoDCore.phantom.cohort.recipe import CohortRecipe
from LaMoDCore.phantom.cohort.statistics import cohort_table, subject_statistics
from LaMoDCore.phantom.heart.slices import PhantomSlice
from LaMoDCore.runtime.atomic import MARKER
from LaMoDCore.runtime.errors import LaMoDInputError
from LaMoDCore.runtime.json_file import read_json
from LaMoDCore.runtime.output.growing_folder import GrowingFolder
from LaMoDCore.runtime.output.new_folder import unwritable
from LaMoDCore.runtime.progress import SILENT, Progress
from LaMoDCore.runtime.worker_pool import WorkerDied, answers

Made = TypeVar("Made")
_COMMAND = "phantom"
_RECIPE_FILE = "phantom.json"
_REPORT = ("statistics.md", "contact-sheet.png")
#: Largest number of subjects in the report's table and of slices on its contact sheet.
_REPORTED_SUBJECTS, _SHEET_SLICES = 500, 30


def write_cohort(
    out: str | Path,
    recipe: CohortRecipe,
    *,
    only: Collection[str] | None = None,
    report: bool = False,
    workers: int = 0,
    resume: bool = False,
    progress: Progress = SILENT,
) -> int:
    """Write a cohort as a dataset folder, case by case, so that an interrupted run can be resumed.

    Args:
        out: a new or empty folder, or with ``resume`` a folder that was begun with the same recipe.
        recipe: the cohort's recipe.
        only: ids of the cases to write; all if None.
        report: write statistics.md and contact-sheet.png of the cohort's subjects next to dataset.json.
        workers: number of processes; 0 uses one per core. The bytes do not depend on it.
        resume: keep existing cases.
        progress: updated after each subject.

    Returns:
        The number of cases.

    Raises:
        LaMoDInputError: the folder holds other files, or cannot be written.
    """
    folder = _open_folder(Path(out), recipe, resume, report)
    wanted = None if only is None else frozenset(only)
    processes = min(workers or os.cpu_count() or 1, recipe.count)
    subjects = partial(_set_up, partial(_write_subject, str(folder), recipe, wanted))
    written: dict[int, list[DatasetEntry]] = {}
    try:
        # a process of its own even for one worker, so that rounding does not depend on the number of threads
        with closing(answers(range(recipe.count), subjects, processes, in_process=False)) as finished:
            for index, made in finished:
                written[index] = _answer(made, out)
                progress.update("phantom", len(written) / recipe.count, f"subject {len(written)} of {recipe.count}")
        entries = [entry for index in range(recipe.count) for entry in written[index]]
        if report:
            progress.update("report", 1.0, "contact sheet and statistics")
            names = sorted({entry.subject for entry in entries})
            pages = partial(_set_up, partial(_write_report, str(folder), recipe))
            with closing(answers([names], pages, 1, in_process=False)) as finished_pages:
                for _, made in finished_pages:
                    _answer(made, out)
        about = {"made_by": "lamod phantom", "recipe": recipe.to_json()}
        write_dataset_index(folder, entries, about, command=_COMMAND)
    except OSError as error:
        raise LaMoDInputError(
            out, f"it cannot be written ({error.strerror or error})", "free disk space, then resume with --resume"
        ) from error
    return len(entries)


def _open_folder(out: Path, recipe: CohortRecipe, resume: bool, report: bool) -> Path:
    dataset = _dataset(out)
    folder = dataset.check()
    wanted = recipe.to_json()
    if (folder / MARKER).exists():
        if not resume:
            raise LaMoDInputError(out, "the folder is not empty", "choose a new folder, or add --resume")
        _check_recipe(folder / _RECIPE_FILE, wanted)
        dataset.refuse_changed(INDEX_FILE, _RECIPE_FILE, *(_REPORT if report else ()))
    dataset.open()
    try:
        dataset.write_json(_RECIPE_FILE, wanted, indent=1)
    except OSError as error:
        raise unwritable(out, error) from error
    return folder


def _dataset(folder: str | Path) -> GrowingFolder:
    return GrowingFolder(folder, DATASET, _COMMAND)


def _check_recipe(marker: Path, wanted: dict[str, Any]) -> None:
    """Refuse a recipe that differs from the folder's in more than ``count``: a cohort may grow."""
    begun = {**CohortRecipe(count=1).to_json(), **read_json(marker, "choose a new folder")}
    for key, value in wanted.items():
        if key != "count" and begun[key] != value:
            raise LaMoDInputError(
                marker.parent, f"it was begun with {key} = {begun[key]}, not {value}", "choose a new folder"
            )


def _set_up(work: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return work


def _answer(made: Made | WorkerDied, out: str | Path) -> Made:
    if isinstance(made, WorkerDied):
        raise LaMoDInputError(
            out,
            "a worker process was killed, perhaps because memory ran out",
            "resume with --resume and fewer --workers",
        )
    return made


def _write_subject(folder: str, recipe: CohortRecipe, only: frozenset[str] | None, index: int) -> list[DatasetEntry]:
    entries = [entry for entry in recipe.entries(index) if only is None or entry.id in only]
    missing = {e.id for e in entries if not _is_written(Path(folder) / "cases" / e.id, recipe, e)}
    if not missing:
        return entries
    for number, plane in enumerate(recipe.subject(index).slices()):
        name = f"s{index:05d}-{plane.name}"
        if not any(case_id.startswith(name) for case_id in missing):
            continue
        for case in plane_cases(recipe, index, number, plane, name):
            if case.id in missing:
                _write_case(folder, recipe, index, number, plane, case)
    return entries


def _has_dense_pictures(recipe: CohortRecipe, case_id: str) -> bool:
    return recipe.dense_pictures and case_id.endswith("-dense")


def _is_written(home: Path, recipe: CohortRecipe, entry: DatasetEntry) -> bool:
    pictures = not _has_dense_pictures(recipe, entry.id) or (home / PICTURES_FOLDER).is_dir()
    return pictures and (home / "case.json").exists()


def _write_case(
    folder: str, recipe: CohortRecipe, index: int, number: int, plane: PhantomSlice, case: DatasetCase
) -> None:
    if not _has_dense_pictures(recipe, case.id):
        write_dataset_case(folder, case, command=_COMMAND)
        return
    seed = (recipe.seed, index, number)
    scan = dense_scan(plane, site_settings(recipe.site_number(index), recipe.seed), seed)
    # The case's masks do not depend on whether pictures are written. The pictures are slice-following, so their masks
    # are drawn on the plane without through-plane motion.
    bare = replace(recipe, pictures=False, dense_pictures=False)
    drawn, _ = plane_cases(bare, index, number, following(plane), case.id.removesuffix("-dense"))
    images = dense_pictures(scan, drawn, seed)
    following_case = replace(case, cine=magnitude_as_cine(images))
    write_dataset_case(folder, following_case, more=partial(write_dense_pictures, images=images), command=_COMMAND)


def plane_cases(
    recipe: CohortRecipe, index: int, number: int, plane: PhantomSlice, name: str
) -> tuple[DatasetCase, ...]:
    """The cases of plane ``number`` of subject ``index``: one on the canonical grid, or a DENSE and a cine scan."""
    seed = (recipe.seed, index, number)
    annotated, layer, pictures = recipe.annotated, recipe.trabeculae_mm, recipe.pictures
    if recipe.scans == "canonical":
        return (canonical_case(plane, name, seed, annotated=annotated, trabeculae_mm=layer, pictures=pictures),)
    site = site_settings(recipe.site_number(index), recipe.seed)
    return paired_cases(plane, name, site, seed, annotated=annotated, trabeculae_mm=layer, pictures=pictures)


def _write_report(folder: str, recipe: CohortRecipe, names: list[str]) -> None:
    subjects = [recipe.subject(int(name[1:])) for name in names[:_REPORTED_SUBJECTS]]
    table = cohort_table([(subject, subject_statistics(subject)) for subject in subjects])
    dataset = _dataset(folder)
    dataset.write_text("statistics.md", table)
    chosen = np.random.default_rng([61, recipe.seed]).permutation(len(subjects))[:_SHEET_SLICES]
    planes = [subjects[k].slices()[number % 4] for number, k in enumerate(chosen)]
    with dataset.replaced_file("contact-sheet.png") as picture:
        write_contact_sheet(picture, planes, recipe.seed)

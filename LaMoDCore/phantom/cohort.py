"""Cohorts of synthetic subjects, written as a dataset folder by several processes."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from LaMoDCore.errors import LaMoDInputError
from LaMoDCore.io.dataset import (
    DatasetCase,
    DatasetEntry,
    write_dataset_case,
    write_dataset_index,
    write_json,
)
from LaMoDCore.phantom.annotator import annotate
from LaMoDCore.phantom.diseases import DISEASES
from LaMoDCore.phantom.slices import PhantomSlice
from LaMoDCore.phantom.subject import Subject, sample_subject
from LaMoDCore.progress import SILENT, Progress

#: The canonical cycle.
FRAMES = 40
_RECIPE_FILE = "phantom.json"
_ANNOTATOR_STREAM, _SPLIT_STREAM, _SUBJECT_STREAM, _DISEASE_STREAM = 11, 12, 13, 14
#: Share of each disease where none is asked for: healthy three times as often as each other.
_DEFAULT_MIX = {name: (3.0 if name == "healthy" else 1.0) for name in DISEASES}


@dataclass(frozen=True)
class CohortRecipe:
    """Everything a cohort follows from; two recipes that are equal give the same bytes.

    Attributes:
        count: subjects; each has four slices (base, two mid levels, apex).
        seed: of the cohort.
        diseases: relative frequency of each disease.
        sites: number of sites that the subjects are spread over.
        split: shares of train, val and test; met within every site.
        annotated: whether masks carry an annotator's errors.
    """

    count: int
    seed: int = 0
    diseases: tuple[tuple[str, float], ...] = tuple(_DEFAULT_MIX.items())
    sites: int = 4
    split: tuple[float, float, float] = (0.72, 0.14, 0.14)
    annotated: bool = True

    def __post_init__(self) -> None:
        if self.count < 1 or self.sites < 1 or self.seed < 0:
            raise ValueError("count and sites are at least 1, seed is not negative")
        unknown = [name for name, _ in self.diseases if name not in DISEASES]
        if unknown or not self.diseases:
            raise ValueError(f"diseases are {', '.join(DISEASES)}, got {unknown}")
        if min(self.split) < 0 or abs(sum(self.split) - 1) > 1e-6:
            raise ValueError(f"the split's shares must add up to 1, got {self.split}")


def cohort_disease(recipe: CohortRecipe, index: int) -> str:
    """The disease of subject ``index``, drawn with the recipe's frequencies."""
    names = [name for name, _ in recipe.diseases]
    weights = np.array([weight for _, weight in recipe.diseases], dtype=np.float64)
    rng = np.random.default_rng([_DISEASE_STREAM, recipe.seed, index])
    return str(rng.choice(names, p=weights / weights.sum()))


def cohort_subject(recipe: CohortRecipe, index: int) -> Subject:
    """Subject ``index`` of a cohort; it does not depend on how many there are."""
    state = np.random.SeedSequence([_SUBJECT_STREAM, recipe.seed, index]).generate_state(1)
    return sample_subject(int(state[0]), cohort_disease(recipe, index))


def cohort_site(recipe: CohortRecipe, index: int) -> str:
    return f"site-{index % recipe.sites + 1}"


def cohort_split(recipe: CohortRecipe, index: int) -> str:
    """The split of subject ``index``: within each site, the running shares are met as closely as can be.

    Which subject of a site goes where follows the golden-ratio sequence, so a cohort that grows keeps the
    splits of those it had.
    """
    site, within = index % recipe.sites, index // recipe.sites
    start = np.random.default_rng([_SPLIT_STREAM, recipe.seed, site]).random()
    place = (start + within * 0.6180339887498949) % 1.0
    train, val, _ = recipe.split
    if place < train:
        return "train"
    return "val" if place < train + val else "test"


def subject_id(index: int) -> str:
    return f"s{index:05d}"


def subject_entries(recipe: CohortRecipe, index: int) -> tuple[DatasetEntry, ...]:
    """The lines of dataset.json for subject ``index``, without making its slices."""
    subject = cohort_subject(recipe, index)
    return tuple(
        DatasetEntry(
            id=f"{subject_id(index)}-{plane.name}",
            subject=subject_id(index),
            site=cohort_site(recipe, index),
            split=cohort_split(recipe, index),
            cohort="dense",
            disease=subject.disease,
            level=plane.level,
        )
        for plane in subject.slices_
    )


def motion_case(plane: PhantomSlice, case_id: str, seed: tuple[int, ...], *, annotated: bool = True) -> DatasetCase:
    """One slice on the canonical grid and cycle: drawn masks, true masks, true motion.

    Args:
        plane: the slice.
        case_id: name of the case.
        seed: of the annotator's generator.
        annotated: False gives the true masks as the drawn ones.
    """
    phases = np.arange(FRAMES) / FRAMES
    xy = plane.points_of(plane.grid)
    truth = plane.contours(phases)
    masks_true = truth.rasterise(xy)
    drawn = masks_true
    if annotated:
        drawn = annotate(truth, np.random.default_rng([_ANNOTATOR_STREAM, *seed])).rasterise(xy)
    wall = masks_true[0]
    displacement = np.full((FRAMES, *plane.grid.shape, 3), np.nan, dtype=np.float32)
    displacement[:, wall] = plane.grid.vectors_to_lps(plane.displacement_mm(phases, xy[wall]))
    return DatasetCase(
        id=case_id,
        masks=drawn[:, None],
        ijk_to_lps=plane.grid.ijk_to_lps,
        frame_times_ms=phases * plane.rr_ms,
        rr_ms=plane.rr_ms,
        reference_frame=0,
        level=plane.level,
        disease=plane.disease,
        displacement_mm=displacement[:, None],
        valid=np.broadcast_to(wall, (FRAMES, 1, *wall.shape)),
        rv_insertion_lps=plane.rv_insertion_lps,
        masks_true=masks_true[:, None],
        details={"phantom_seed": plane.subject.seed, "plane": plane.name},
    )


def write_cohort(
    out: str | Path,
    recipe: CohortRecipe,
    *,
    workers: int = 0,
    resume: bool = False,
    progress: Progress = SILENT,
) -> int:
    """Write a cohort as a dataset folder; case by case, so that an interrupted one can be resumed.

    Args:
        out: a new or empty folder, or with ``resume`` one that the same recipe has begun.
        recipe: what to make.
        workers: processes; 0 takes one a core. The bytes do not depend on it.
        resume: keep the cases that are there.
        progress: told after every subject.

    Returns:
        The number of cases.

    Raises:
        LaMoDInputError: the folder holds something else, or cannot be written.
    """
    folder = _open_folder(Path(out), recipe, resume)
    jobs = [(str(folder), recipe, index) for index in range(recipe.count)]
    entries: list[DatasetEntry] = []
    with _single_threaded_workers(min(workers or os.cpu_count() or 1, recipe.count)) as pool:
        try:
            for done, made in enumerate(pool.map(_write_subject, jobs, chunksize=1), 1):
                entries.extend(made)
                progress.update("phantom", done / recipe.count, f"subject {done} of {recipe.count}")
        except OSError as fault:
            raise LaMoDInputError(
                out, f"it cannot be written ({fault.strerror or fault})", "name another folder"
            ) from fault
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise
    write_dataset_index(folder, entries, {"made_by": "lamod phantom", "recipe": _recipe_json(recipe)})
    return len(entries)


def _recipe_json(recipe: CohortRecipe) -> dict[str, Any]:
    content = asdict(recipe)
    content["diseases"] = dict(recipe.diseases)
    content["split"] = list(recipe.split)
    return content


def _open_folder(folder: Path, recipe: CohortRecipe, resume: bool) -> Path:
    wanted = _recipe_json(recipe)
    marker = folder / _RECIPE_FILE
    if folder.exists() and not folder.is_dir():
        raise LaMoDInputError(folder, "it exists and is not a folder", "name a new folder")
    try:
        if folder.is_dir() and any(folder.iterdir()):
            if not resume:
                raise LaMoDInputError(folder, "the folder is not empty", "name a new folder, or add --resume")
            _check_recipe(marker, wanted)
        folder.mkdir(parents=True, exist_ok=True)
        write_json(marker, wanted)
    except OSError as fault:
        raise LaMoDInputError(folder, f"it cannot be written ({fault.strerror})", "name another folder") from fault
    return folder


def _check_recipe(marker: Path, wanted: dict[str, Any]) -> None:
    """A cohort may grow; everything else of its recipe must be the same."""
    from LaMoDCore.io.dataset import _read_json

    begun = _read_json(marker, "name a new folder")
    for key, value in wanted.items():
        if key != "count" and begun.get(key) != value:
            raise LaMoDInputError(
                marker.parent, f"it was begun with {key} = {begun.get(key)}, not {value}", "name a new folder"
            )


def _write_subject(job: tuple[str, CohortRecipe, int]) -> tuple[DatasetEntry, ...]:
    folder, recipe, index = job
    entries = subject_entries(recipe, index)
    missing = [entry.id for entry in entries if not (Path(folder) / "cases" / entry.id / "case.json").exists()]
    if missing:
        for number, plane in enumerate(cohort_subject(recipe, index).slices()):
            if entries[number].id in missing:
                seed = (recipe.seed, index, number)
                write_dataset_case(folder, motion_case(plane, entries[number].id, seed, annotated=recipe.annotated))
    return entries


@contextmanager
def _single_threaded_workers(count: int) -> Iterator[ProcessPoolExecutor]:
    """Processes whose linear algebra runs on one thread: no oversubscription, and the same sums everywhere."""
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
    before = {name: os.environ.get(name) for name in names}
    os.environ.update(dict.fromkeys(names, "1"))
    try:
        with ProcessPoolExecutor(count, mp_context=multiprocessing.get_context("spawn")) as pool:
            yield pool
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value

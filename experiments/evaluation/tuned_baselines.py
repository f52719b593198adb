"""Tune every method of the comparison on validation slices with an equal budget, and compare them on a test cohort.

    python -m experiments.evaluation.tuned_baselines --data COHORT --cache CACHE --out DIR [--config FILE]
        [--probe 300] [--validation 48] [--only METHOD …] [--test DATASET --models NAME|DIR,…]

Budget: four settings for every method, judged by the endpoint error on the same number of validation slices. A network
(StrainNet, UNETR, 3D TransUNet, and LaMoD without diffusion) reads --probe training slices with each of four learning
rates and, with the best rate, all training slices once; all have the same data, augmentation and batch size. Demons
have four pairs of smoothing and iterations; LDDMM matching has four pairs of metric and σ, on --matched slices because
one takes a minute. DIR/tuning.json holds the errors and the processor time. An interrupted call can be repeated.

With --test, the chosen settings and further models are compared on the split "test" of a dataset by the functions of
`lamod evaluate`; with --matched-test, LDDMM matching on fewer slices. A frozen test set (`phantom_test_v2`) is
evaluated once, after everything else has been decided. Two calls may tune different methods (--only) at the same time.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from LaMoDCore.baselines import ARCHITECTURES, baseline_config
from LaMoDCore.baselines.demons_tracking import track_by_demons
from LaMoDCore.baselines.lddmm_tracking import track_by_matching
from LaMoDCore.baselines.registry import Size
from LaMoDCore.evaluation.prediction_cache import cached, open_prediction_cache
from LaMoDCore.evaluation.predictors import Predictor, make_predictors, tracker
from LaMoDCore.evaluation.run import check_output, evaluate, write_evaluation
from LaMoDCore.io.dataset.folder import DatasetIndex
from LaMoDCore.lddmm.metric import FluidMetric
from LaMoDCore.models.default_model import DEFAULT_MODEL
from LaMoDCore.runtime.json_file import write_json
from LaMoDCore.runtime.progress import Progress
from LaMoDCore.training.data.cache import TrainingCache, open_finished_cache
from LaMoDCore.training.networks.baseline import train_baseline
from LaMoDCore.training.networks.train import train
from LaMoDCore.training.run.settings import TrainingConfig, read_config

LAMOD, DEMONS, MATCHING = "lamod", "demons", "lddmm"
NETWORKS = (*ARCHITECTURES, LAMOD)
LEARNING_RATES = (1e-4, 3e-4, 1e-3, 3e-3)
#: SD of the smoothing in mm and number of iterations.
DEMONS_SETTINGS = ((1.5, 20), (3.0, 20), (3.0, 60), (5.0, 60))
#: α of the metric in mm² and σ of the outlines.
MATCHING_SETTINGS = ((25.0, 0.006), (25.0, 0.02), (100.0, 0.006), (100.0, 0.02))
#: Split of slices that a training does not read.
_UNUSED = "unused"
_CONFIG = Path(__file__).resolve().parents[1] / "training" / "shipped_model.json"


@dataclass(frozen=True)
class Search:
    """What all methods share.

    Attributes:
        data: dataset from which the cache was prepared; its validation slices are read by the trackers.
        cache: training and validation slices of the networks.
        out: folder of the runs and of tuning.json.
        config: settings of LaMoD and, except for the learning rate and the epochs, of the baselines.
        size: size of the baselines' networks.
        probe: training slices that each learning rate is tried with.
        validation, matched: validation slices; those of LDDMM matching.
    """

    data: Path
    cache: Path
    out: Path
    config: TrainingConfig
    size: Size
    probe: int
    validation: int
    matched: int

    @property
    def file(self) -> Path:
        return self.out / "tuning.json"

    def found(self) -> dict[str, dict[str, Any]]:
        """By method and setting: error in mm and processor time in seconds."""
        return json.loads(self.file.read_text(encoding="utf-8")) if self.file.is_file() else {}

    def once(self, method: str, setting: str, measure: Callable[[], float]) -> float:
        """Measure a setting unless it has been measured before; returns its error."""
        if setting not in self.found().get(method, {}):
            began = time.process_time()
            error = measure()
            row = {"error_mm": round(error, 4), "seconds": round(time.process_time() - began)}
            known = self.found()  # again: another call may have tuned other methods meanwhile
            known.setdefault(method, {})[setting] = row
            write_json(self.file, known)
            print(f"{method}, {setting}: {row}", flush=True)
        return float(self.found()[method][setting]["error_mm"])


def reduced(cache: TrainingCache, training: int | None, validation: int) -> TrainingCache:
    """The cache with fewer slices in use, spread evenly: `training` (None: all) and `validation`."""
    splits = list(cache.splits)
    for split, count in (("train", training), ("val", validation)):
        own = [i for i, name in enumerate(splits) if name == split]
        if count is not None and count < len(own):
            kept = {own[i] for i in np.linspace(0, len(own) - 1, count).round().astype(int)}
            for i in own:
                splits[i] = split if i in kept else _UNUSED
    return replace(cache, splits=tuple(splits), fingerprint=f"{cache.fingerprint}-{training}-{validation}")


def tune_network(search: Search, method: str) -> Path:
    """Choose the learning rate of a network and train it; returns the model folder."""
    cache = open_finished_cache(search.cache)
    probes = reduced(cache, search.probe, search.validation)
    errors = [
        search.once(method, f"learning rate {rate:g}", partial(_trained, search, method, f"{rate:g}", rate, probes))
        for rate in LEARNING_RATES
    ]
    best = LEARNING_RATES[int(np.argmin(errors))]
    name = f"learning rate {best:g}, all slices"
    search.once(method, name, partial(_trained, search, method, "all", best, reduced(cache, None, search.validation)))
    return _run(search, method, "all") / "model"


def _trained(search: Search, method: str, name: str, rate: float, cache: TrainingCache) -> float:
    """Train for one epoch; returns the endpoint error on the validation slices in mm."""
    run = _run(search, method, name)
    config = replace(search.config, learning_rate=rate, registration_epochs=0, motion_epochs=1, joint_epochs=0)
    if method == LAMOD:
        train(cache, run, config, resume=run.exists())
    else:
        train_baseline(cache, run, config, baseline_config(method, search.size), resume=run.exists())
    measured = json.loads((run / "metrics.json").read_text(encoding="utf-8"))["validation"]["motion"]
    return float(measured["endpoint_mm"])


def _run(search: Search, method: str, name: str) -> Path:
    folder = search.out / "runs" / name
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"{method}-equal-budget"


def tune_tracker(search: Search, method: str) -> Predictor:
    """Choose the settings of a tracker."""
    predictors = trackers(method)
    count = search.matched if method == MATCHING else search.validation
    errors = [search.once(method, each.name, partial(_tracked, search, each, count)) for each in predictors]
    return predictors[int(np.argmin(errors))]


def trackers(method: str) -> list[Predictor]:
    """The predictors of a tracker with each of its settings."""
    if method == DEMONS:
        return [
            tracker(
                f"demons, smoothing {smoothing:g} mm, {iterations} iterations",
                track_by_demons,
                iterations=iterations,
                smoothing_mm=smoothing,
            )
            for smoothing, iterations in DEMONS_SETTINGS
        ]
    return [
        tracker(
            f"LDDMM matching, α {alpha:g} mm², σ {sigma:g}",
            track_by_matching,
            metric=FluidMetric(alpha=alpha, gamma=1.0, power=2.0),
            sigma=sigma,
        )
        for alpha, sigma in MATCHING_SETTINGS
    ]


def _tracked(search: Search, predictor: Predictor, count: int) -> float:
    found = evaluate(DatasetIndex.load_usable(search.data), [predictor], split="val", limit=count)
    return float(np.mean([record.epe_mm for record in found.cases]))


def compare(
    search: Search, test: Path, tuned: list[str | Predictor], models: list[str], limit: int | None = None
) -> list[Path]:
    """Compare tuned methods and further models on a test set; predictions are kept in DIR/predictions.

    With a limit on so many slices, in DIR/evaluation-LIMIT.
    """
    out = check_output(search.out / f"evaluation{f'-{limit}' if limit else ''}", [test])
    predictions = search.out / "predictions"
    open_prediction_cache(predictions)
    named = make_predictors(
        ["zero", *(t for t in tuned if isinstance(t, str)), *models], device="cpu", samples=None, seed=0
    )
    predictors = [named[0], *(t for t in tuned if isinstance(t, Predictor)), *named[1:]]
    predictors = [cached(each, predictions) for each in predictors]
    index = DatasetIndex.load_usable(test)
    with Progress("bar") as progress:
        found = evaluate(index, predictors, split="test", limit=limit, progress=progress)
    settings: dict[str, object] = {"budget": f"four settings per method, {search.probe} slices per probe"}
    return write_evaluation(out, index, predictors, found, split="test", settings=settings)


def main() -> None:
    methods = (*NETWORKS, DEMONS, MATCHING)
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="cohort of `lamod phantom` with a split val")
    parser.add_argument("--cache", type=Path, required=True, help="its cache, as of `lamod train --cache`")
    parser.add_argument("--out", type=Path, required=True, help="kept between calls")
    parser.add_argument("--config", type=Path, default=_CONFIG, help="settings of LaMoD and the baselines")
    parser.add_argument("--size", choices=("reduced", "full"), default="reduced")
    parser.add_argument("--probe", type=int, default=300, help="training slices for each learning rate")
    parser.add_argument("--validation", type=int, default=48, help="validation slices")
    parser.add_argument("--matched", type=int, default=10, help="validation slices for LDDMM matching")
    parser.add_argument("--only", action="append", default=[], choices=methods, help="tune only this method")
    parser.add_argument("--test", type=Path, help="compare on this dataset")
    parser.add_argument("--models", default=DEFAULT_MODEL, help="further models in the comparison")
    parser.add_argument(
        "--matched-test", type=int, metavar="N", help="LDDMM matching on N test slices only, in a table of their own"
    )
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    config = read_config(args.config)
    search = Search(args.data, args.cache, args.out, config, args.size, args.probe, args.validation, args.matched)
    tuned: list[str | Predictor] = []
    matched: list[Predictor] = []
    for method in args.only or methods:
        if method in NETWORKS:
            folder = str(tune_network(search, method))
            tuned.append(f"{folder}:no-diffusion" if method == LAMOD else folder)
        elif method == MATCHING and args.matched_test:
            matched.append(tune_tracker(search, method))
        else:
            tuned.append(tune_tracker(search, method))
    if args.test is not None:
        models = [name for name in args.models.split(",") if name]
        files = compare(search, args.test, tuned, models)
        if matched:
            files += compare(search, args.test, [*tuned, *matched], models, args.matched_test)
        for file in files:
            print(file)


if __name__ == "__main__":
    main()

"""Every method is tuned with the same number of settings and slices, and a finished setting is not repeated."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from experiments.evaluation import tuned_baselines
from experiments.evaluation.tuned_baselines import DEMONS, LAMOD, LEARNING_RATES, MATCHING, Search, trackers
from LaMoDCore.training.data.cache import TrainingCache
from LaMoDCore.training.run.settings import PRESETS


def test_a_reduced_cache_keeps_slices_from_the_whole_cohort(cache: TrainingCache) -> None:
    reduced = tuned_baselines.reduced(cache, 2, 1)
    counts = Counter(reduced.splits)
    assert (counts["train"], counts["val"]) == (2, 1)
    used = [i for i, split in enumerate(reduced.splits) if split == "train"]
    own = [i for i, split in enumerate(cache.splits) if split == "train"]
    assert used == [own[0], own[-1]]
    assert tuned_baselines.reduced(cache, None, 99).splits == cache.splits
    assert reduced.fingerprint != cache.fingerprint


def test_the_best_learning_rate_reads_all_slices_once(
    cache: TrainingCache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[float, int]] = []

    def trained(seen: TrainingCache, run: Path, config: Any, *_: object, resume: bool) -> None:
        asked.append((config.learning_rate, seen.splits.count("train")))
        run.mkdir()
        error = abs(config.learning_rate - LEARNING_RATES[1])
        (run / "metrics.json").write_text(json.dumps({"validation": {"motion": {"endpoint_mm": error}}}))

    monkeypatch.setattr(tuned_baselines, "train", trained)
    monkeypatch.setattr(tuned_baselines, "open_finished_cache", lambda folder: cache)
    search = Search(tmp_path, tmp_path, tmp_path, PRESETS["smoke"], "reduced", probe=1, validation=1, matched=1)
    model = tuned_baselines.tune_network(search, LAMOD)
    whole = cache.splits.count("train")
    assert asked == [*((rate, 1) for rate in LEARNING_RATES), (LEARNING_RATES[1], whole)]
    assert tuned_baselines.tune_network(search, LAMOD) == model and len(asked) == 5
    assert len(json.loads(search.file.read_text(encoding="utf-8"))[LAMOD]) == 5


def test_a_call_keeps_what_another_one_measured_meanwhile(tmp_path: Path) -> None:
    search = Search(tmp_path, tmp_path, tmp_path, PRESETS["smoke"], "reduced", probe=1, validation=1, matched=1)

    def measured() -> float:
        search.once(DEMONS, "of another call", lambda: 2.0)
        return 1.0

    assert search.once(LAMOD, "own", measured) == 1.0
    found = json.loads(search.file.read_text(encoding="utf-8"))
    assert found[DEMONS]["of another call"]["error_mm"] == 2.0 and found[LAMOD]["own"]["error_mm"] == 1.0


@pytest.mark.parametrize("method", [DEMONS, MATCHING])
def test_trackers_have_as_many_settings_with_predictions_of_their_own(method: str) -> None:
    found = trackers(method)
    assert len(found) == len(LEARNING_RATES)
    assert len({each.identity for each in found}) == len({each.name for each in found}) == len(found)

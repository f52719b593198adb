"""Summary of the training data for a model's description: counts and sites, but no identities."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from LaMoDCore.io.dataset.folder import SPLITS, DatasetIndex


def dataset_facts(folder: Path) -> dict[str, Any]:
    """Summarise a dataset for JSON: name, origin, subjects and cases by split, sites, diseases and levels.

    Raises:
        LaMoDInputError: the dataset cannot be read.
    """
    index = DatasetIndex.load_usable(folder)
    by_split = {split: index.select(split=split) for split in SPLITS}
    return {
        "name": folder.resolve().name,
        "synthetic": index.about.get("made_by") == "lamod phantom",
        "subjects": {split: len({entry.subject for entry in entries}) for split, entries in by_split.items()},
        "cases": {split: len(entries) for split, entries in by_split.items()},
        "sites": sorted({entry.site for entry in index if entry.site}),
        "diseases": dict(sorted(Counter(entry.disease or "not known" for entry in index).items())),
        "levels": dict(sorted(Counter(entry.level for entry in index).items())),
    }

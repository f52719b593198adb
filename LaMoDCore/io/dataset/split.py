"""Split a dataset by subject into train, val and test, balanced by site."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from LaMoDCore.io.dataset.folder import SPLITS, DatasetEntry, DatasetIndex, edit_dataset_index
from LaMoDCore.runtime.errors import LaMoDInputError


@dataclass(frozen=True)
class SplitCount:
    """Number of subjects and cases of a site in a split.

    Attributes:
        site: "" if it is unknown.
        split: train, val or test.
        subjects: number of subjects.
        cases: number of their cases.
    """

    site: str
    split: str
    subjects: int
    cases: int


def propose_split(
    entries: Sequence[DatasetEntry], shares: Sequence[float] = (0.7, 0.15, 0.15), seed: int = 0
) -> dict[str, str]:
    """Assign each subject to the split in which its site and the whole dataset are farthest below their shares.

    Args:
        entries: the cases.
        shares: shares of the subjects for train, val and test, which add up to 1.
        seed: random seed of the order of a site's subjects.

    Returns:
        Subject to split.

    Raises:
        ValueError: the shares are negative or do not add up to 1.
    """
    if len(shares) != len(SPLITS) or not (min(shares) >= 0 and abs(sum(shares) - 1) <= 1e-6):  # also for NaN
        raise ValueError(f"the shares of {', '.join(SPLITS)} must be 0 or more and add up to 1, got {tuple(shares)}")
    wanted = np.asarray(shares, dtype=np.float64)
    site_of: dict[str, str] = {}
    for entry in entries:
        site_of.setdefault(entry.subject, entry.site)
    assigned: dict[str, str] = {}
    everywhere = np.zeros(len(SPLITS))
    for number, site in enumerate(sorted(set(site_of.values()))):
        subjects = sorted(subject for subject, where in site_of.items() if where == site)
        here = np.zeros(len(SPLITS))
        for subject in np.random.default_rng([seed, number]).permutation(subjects):
            lacking = wanted * (here.sum() + 1) - here + wanted * (everywhere.sum() + 1) - everywhere
            chosen = int(np.argmax(np.where(wanted > 0, lacking, -np.inf)))
            here[chosen] += 1
            everywhere[chosen] += 1
            assigned[str(subject)] = SPLITS[chosen]
    return assigned


def with_split(entries: Sequence[DatasetEntry], split_of: Mapping[str, str]) -> tuple[DatasetEntry, ...]:
    """The cases in the splits of their subjects."""
    return tuple(replace(entry, split=split_of[entry.subject]) for entry in entries)


def count_splits(entries: Sequence[DatasetEntry]) -> list[SplitCount]:
    """Number of subjects and cases per site and split, sorted by site."""
    counts = []
    for site in sorted({entry.site for entry in entries}):
        for split in SPLITS:
            cases = [entry for entry in entries if entry.site == site and entry.split == split]
            counts.append(SplitCount(site, split, len({entry.subject for entry in cases}), len(cases)))
    return counts


def write_split(folder: Path, split_of: Mapping[str, str]) -> DatasetIndex:
    """Write a split into dataset.json, whose other contents do not change, whoever wrote them.

    Raises:
        LaMoDInputError: a subject of the dataset has no split, because the dataset has changed; or it cannot be
            written.
    """

    def changed(content: dict[str, Any]) -> dict[str, Any]:
        index = DatasetIndex.load(folder)
        missing = sorted({entry.subject for entry in index} - split_of.keys())
        if missing:
            raise LaMoDInputError(
                folder.name,
                f"subject {missing[0]} is not in the split: the dataset has changed",
                "preview the split again",
            )
        return {**content, "cases": [{**case, "split": split_of[case["subject"]]} for case in content["cases"]]}

    edit_dataset_index(folder, changed, command="dataset split")
    return DatasetIndex.load(folder)

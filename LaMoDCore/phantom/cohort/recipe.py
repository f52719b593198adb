"""The recipe of a cohort: its subjects, their sites and splits, none of which depend on the cohort's size."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from LaMoDCore.io.dataset.folder import DatasetEntry
from LaMoDCore.phantom.heart.diseases import DISEASES
from LaMoDCore.phantom.heart.randomised import randomised
from LaMoDCore.phantom.heart.subject import Subject, sample_subject
from LaMoDCore.runtime.schema import Flag, Number, Numbers, Record, Text, Whole

SCANS = ("canonical", "paired")
ALLOCATIONS = ("drawn", "even")

#: Gives the wall thickness and its growth of manual contours of nine patients.
DEFAULT_TRABECULAE_MM = 4.0

_SPLIT_STREAM, _SUBJECT_STREAM, _DISEASE_STREAM, _RANDOMISED_STREAM = 12, 13, 14, 22
#: Default weight of each disease: healthy three times as often as each other.
_DEFAULT_MIX = tuple((name, 3.0 if name == "healthy" else 1.0) for name in DISEASES)


#: Largest number of subjects of a cohort.
MOST_SUBJECTS = 1_000_000
_RECIPE = Record(
    {
        "count": Whole(1, MOST_SUBJECTS),
        "seed": Whole(0, 2**63 - 1),
        "diseases": Record(dict.fromkeys(DISEASES, Number(0, 1e6)), closed=True),
        "allocation": Text(choices=ALLOCATIONS),
        "sites": Whole(1, MOST_SUBJECTS),
        "split": Numbers((3,), 0, 1),
        "annotated": Flag(),
        "scans": Text(choices=SCANS),
        "trabeculae_mm": Number(0, 5),
        "pictures": Flag(),
        "dense_pictures": Flag(),
    },
    required=("count",),
    closed=True,
    title="a recipe",
)


@dataclass(frozen=True)
class CohortRecipe:
    """Everything that determines a cohort; equal recipes give the same bytes.

    Attributes:
        count: number of subjects; each has four slices (base, two mid levels, apex).
        seed: random seed.
        diseases: relative frequency of each disease.
        allocation: "drawn" draws each subject's disease with these frequencies, "even" assigns them in turn.
        sites: number of sites that the subjects are spread over.
        split: shares of train, val and test; the same within every site.
        annotated: masks have an annotator's errors.
        scans: "canonical" gives one case per slice, on 40 frames of 128 × 128 pixels of 1 mm, with motion; "paired"
            gives two, a DENSE and a cine scan of nominally the same plane, each on its own grid and frames.
        trabeculae_mm: readers leave out a trabeculated layer of up to this thickness at end-diastole and draw it
            as wall at end-systole, see ``reader_model.ReaderStyle``.
        pictures: also write cine images.
        dense_pictures: write the DENSE scans' magnitude and phase too; only where ``scans`` is "paired".
    """

    count: int
    seed: int = 0
    diseases: tuple[tuple[str, float], ...] = _DEFAULT_MIX
    allocation: str = "drawn"
    sites: int = 4
    split: tuple[float, float, float] = (0.72, 0.14, 0.14)
    annotated: bool = True
    scans: str = "canonical"
    trabeculae_mm: float = DEFAULT_TRABECULAE_MM
    pictures: bool = False
    dense_pictures: bool = False

    def __post_init__(self) -> None:
        if not 1 <= self.count <= MOST_SUBJECTS or self.sites < 1 or self.seed < 0:
            raise ValueError(f"count must be 1 to {MOST_SUBJECTS}, sites at least 1, and the seed must not be negative")
        unknown = [name for name, _ in self.diseases if name not in DISEASES]
        if unknown or not self.diseases:
            raise ValueError(f"diseases must be among {', '.join(DISEASES)}, got {', '.join(unknown) or 'none'}")
        if not min(weight for _, weight in self.diseases) > 0:
            raise ValueError("a disease's frequency must be positive")
        if len(self.split) != 3 or not (min(self.split) >= 0 and abs(sum(self.split) - 1) <= 1e-6):
            raise ValueError(f"the split must have three shares that add up to 1, got {self.split}")
        if not 0 <= self.trabeculae_mm <= 5:
            raise ValueError(f"the trabeculated layer must be 0 to 5 mm thick, got {self.trabeculae_mm}")
        if self.scans not in SCANS or self.allocation not in ALLOCATIONS:
            raise ValueError(f"scans must be {' or '.join(SCANS)}, allocation must be {' or '.join(ALLOCATIONS)}")
        if self.dense_pictures and self.scans != "paired":
            raise ValueError("DENSE pictures need paired scans")

    def to_json(self) -> dict[str, Any]:
        """The recipe as phantom.json holds it."""
        return {**asdict(self), "diseases": dict(self.diseases), "split": list(self.split)}

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> CohortRecipe:
        """The recipe that ``to_json`` wrote.

        Raises:
            ValueError: unknown keys or values out of range.
        """
        for fault in _RECIPE.faults(content):
            raise ValueError(fault)
        values = dict(content)
        if "diseases" in values:
            values["diseases"] = tuple((str(k), float(v)) for k, v in dict(values["diseases"]).items())
        if "split" in values:
            values["split"] = tuple(float(share) for share in values["split"])
        return cls(**values)

    def disease(self, index: int) -> str:
        """The disease of subject ``index``."""
        names = [name for name, _ in self.diseases]
        if self.allocation == "even":
            return names[index % len(names)]
        weights = np.array([weight for _, weight in self.diseases], dtype=np.float64)
        rng = np.random.default_rng([_DISEASE_STREAM, self.seed, index])
        return str(rng.choice(names, p=weights / weights.sum()))

    def subject(self, index: int) -> Subject:
        """Subject ``index``; it does not depend on ``count``."""
        state = np.random.SeedSequence([_SUBJECT_STREAM, self.seed, index]).generate_state(1)
        return sample_subject(int(state[0]), self.disease(index))

    def randomised_subject(self, index: int) -> Subject:
        """Subject ``index`` of the wider distribution, see ``randomised``; the same in every call."""
        return randomised(self.subject(index), np.random.default_rng([_RANDOMISED_STREAM, self.seed, index]))

    def site_number(self, index: int) -> int:
        """0…sites − 1. With even allocation every site has every disease."""
        if self.allocation == "even":
            return (index // len(self.diseases)) % self.sites
        return index % self.sites

    def split_of(self, index: int) -> str:
        """The split of subject ``index``.

        Within each site the golden-ratio sequence assigns the splits: their running shares are close to those asked
        for, and the splits of the first subjects do not change when the cohort grows.
        """
        site, within = self.site_number(index), index // self.sites
        start = np.random.default_rng([_SPLIT_STREAM, self.seed, site]).random()
        place = (start + within * 0.6180339887498949) % 1.0
        train, val, _ = self.split
        if place < train:
            return "train"
        return "val" if place < train + val else "test"

    def entries(self, index: int) -> tuple[DatasetEntry, ...]:
        """The entries of dataset.json for subject ``index``."""
        subject = self.subject(index)
        name = f"s{index:05d}"
        cohorts = (("dense", ""),) if self.scans == "canonical" else (("dense", "-dense"), ("cine", "-cine"))
        return tuple(
            DatasetEntry(
                id=f"{name}-{plane.name}{suffix}",
                subject=name,
                site=f"site-{self.site_number(index) + 1}",
                split=self.split_of(index),
                cohort=cohort,
                disease=subject.disease,
                level=plane.level,
            )
            for plane in subject.slice_parameters
            for cohort, suffix in cohorts
        )

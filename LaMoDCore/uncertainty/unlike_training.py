"""Detect slices that are unlike the training data.

Each group of descriptors (size, beat, outline, …: `descriptor_groups`) is judged separately, since three unusual
values do not show among a hundred, and in the same unit: how rarely training slices are as unusual (`rarity`). The
score of a slice is its largest rarity, and the limit is one that held-out slices rarely exceed, so that several groups
do not raise more false alarms than one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from scipy.special import log_ndtr
from torch import Tensor, nn

from LaMoDCore.heart.geometry import Array
from LaMoDCore.heart.ring.orientation import angle_between, mean_angle
from LaMoDCore.uncertainty.descriptors import DescriptorGroup
from LaMoDCore.uncertainty.rarity import GroupRarity

#: Smallest standard deviation of the insertion angle, rad: insertion points are placed by eye, and the orientation of
#: real hearts varies more than that of synthetic ones.
_MIN_ANGLE_SD = float(np.radians(20.0))
#: Largest rarity that is reported: 1500 training slices support no statement about less than one in a thousand.
_MAX_REPORTED = 3.0
#: Largest limit: a handful of training slices does not determine one.
_MAX_LIMIT = 6.0

ORIENTATION = "orientation"
#: Of each group: its description and a remedy.
WORDS: dict[str, tuple[str, str]] = {
    "size": ("the size of the ring for its level", "Check the pixel size and the level."),
    "beat": ("its course over the cardiac cycle", "Check the order of the frames and which of them is end-diastole."),
    "contraction": ("how much it contracts and thickens", "Check which frame is end-diastole, and the contours."),
    "way": ("how far the whole ring moves", "Check that all frames show the same slice position."),
    "oval": ("how oval it is", "Check the pixel spacing along rows and columns."),
    "outline": ("the outline of its wall", "Check the contours."),
    "gaps": ("gaps or islands in its wall", "Check that the contour is one closed ring."),
    "seen": ("the encoder's features of its masks", "Check the masks."),
    "disagreement": ("the disagreement between prediction and masks", "Compare carried with drawn contours."),
    ORIENTATION: ("the position of its RV insertion", "Check the insertion point and the orientation of the masks."),
}

UNLIKE = (
    "This slice is unlike the training data in {groups}: {share} is as unusual in {first} (flagged beyond one in "
    "{limit}). Its numbers may be wrong in ways that the intervals do not show."
)
WITHIN_RANGE = (
    "Within the range of the training data: the slice is most unusual in {first}, where {share} is as unusual (flagged "
    "beyond one in {limit})."
)


@dataclass(frozen=True)
class UnlikeTraining:
    """The unlike-training flag of one slice.

    Attributes:
        score: −log₁₀ of the share of training slices that are as unusual, in the group in which the slice is most
            unusual: 3 is one in a thousand. For the orientation the share is that of a normal distribution.
        limit: a slice with a larger score is flagged.
        flagged: score > limit.
        sentence: the same in words.
        reasons: descriptions of the groups above the limit, the most unusual first.
        remedy: what to check; "" for a slice that is not flagged.
    """

    score: float
    limit: float
    flagged: bool
    sentence: str
    reasons: tuple[str, ...] = ()
    remedy: str = ""


class UnlikeTrainingDetector(nn.Module):
    """Measures how rarely training slices are as unusual as a slice. Has buffers only, no parameters.

    Args:
        groups: groups by name, see `descriptor_groups`.
    """

    limit: Tensor
    insertion: Tensor

    def __init__(self, groups: Mapping[str, DescriptorGroup]) -> None:
        super().__init__()
        # The attribute's name is part of the keys of stored weights.
        self.respects = nn.ModuleDict({name: GroupRarity(group) for name, group in groups.items()})
        self.register_buffer("limit", torch.tensor(1.0))
        self.register_buffer("insertion", torch.zeros(2))

    def fit(
        self,
        training: Array,
        validation: Array,
        false_alarms: float = 0.025,
        *,
        insertion_angles: Array | None = None,
    ) -> None:
        """Fit the groups and the limit.

        Args:
            training: [N, K] descriptors, slices of a subject next to each other.
            validation: [M, K] descriptors of other subjects.
            false_alarms: share of the validation slices, or of the left-out training slices, above the limit,
                whichever limit is higher. The orientation, which is not always known, is not counted. The limit is at
                most one in a million.
            insertion_angles: [L] rad, of the training hearts (`orientation`); None: the orientation is not judged.
        """
        left_out = np.max([group.fit(training) for group in self._groups().values()], axis=0)
        self.insertion.copy_(torch.tensor(mean_angle(np.empty(0) if insertion_angles is None else insertion_angles)))
        scores = self.scores(validation)
        limit = max(np.quantile(each, 1 - false_alarms) for each in (scores, left_out))
        self.limit.fill_(float(min(limit, _MAX_LIMIT)))

    def rarities(self, described: Array, insertion_angles: Array | None = None) -> dict[str, Array]:
        """−log₁₀ of the share of training slices that are as unusual, of each slice in each group, [N] each.

        Args:
            described: descriptors [N, K].
            insertion_angles: [N] rad, NaN where unknown; None: unknown for all.
        """
        found = {name: group.rarity(described) for name, group in self._groups().items()}
        usual, deviation = (float(value) for value in self.insertion)
        if insertion_angles is not None and deviation:
            turned = np.nan_to_num(angle_between(insertion_angles, usual)) / max(deviation, _MIN_ANGLE_SD)
            found[ORIENTATION] = np.asarray(-(np.log(2) + log_ndtr(-turned)) / np.log(10))
        return found

    def scores(self, described: Array, insertion_angles: Array | None = None) -> Array:
        """Largest rarity over the groups, [N]; arguments as of `rarities`."""
        return np.asarray(np.max(list(self.rarities(described, insertion_angles).values()), axis=0))

    def judge(self, described: Array, insertion_angle: float | None = None) -> UnlikeTraining:
        """Judge one slice by its descriptors [K] and, where it is known, the angle of its RV insertion."""
        angles = None if insertion_angle is None else np.array([insertion_angle])
        found = {name: float(each[0]) for name, each in self.rarities(described[None], angles).items()}
        rarest_first = sorted(found, key=lambda name: -found[name])
        score, limit = found[rarest_first[0]], float(self.limit)
        first, check = WORDS[rarest_first[0]]
        values = {"first": first, "share": _share(score), "limit": _count(limit)}
        if score <= limit:
            return UnlikeTraining(score, limit, False, WITHIN_RANGE.format(**values))
        reasons = tuple(WORDS[name][0] for name in rarest_first if found[name] > limit)
        return UnlikeTraining(score, limit, True, UNLIKE.format(groups=_listed(reasons), **values), reasons, check)

    def _groups(self) -> dict[str, GroupRarity]:
        return {name: group for name, group in self.respects.items() if isinstance(group, GroupRarity)}


def _share(score: float) -> str:
    about, shown = ("less than", _MAX_REPORTED) if score > _MAX_REPORTED else ("about", score)
    return f"{about} one training slice in {_count(shown)}"


def _count(score: float) -> str:
    """10^score to two digits, with no-break spaces; at most that of `_MAX_REPORTED`."""
    score = min(score, _MAX_REPORTED)
    rounding = max(int(score) - 1, 0)
    return f"{round(round(10.0**score, -rounding)):,}".replace(",", "\N{NO-BREAK SPACE}")


def _listed(words: tuple[str, ...]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"

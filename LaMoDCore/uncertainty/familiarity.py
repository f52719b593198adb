"""Whether a slice is unlike the training data, and in what.

Every respect in which slices can be odd (size, beat, outline, …: `descriptor_blocks`) is judged by itself, since among
a hundred numbers three that are far off do not show, and in the same unit, how seldom training slices are as odd
(`respect`). The score is that of the oddest respect, and the limit on it is what held-out slices seldom exceed, so that
many respects raise no more false alarms than one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from scipy.special import log_ndtr
from torch import Tensor, nn

from LaMoDCore.heart.geometry import Array
from LaMoDCore.heart.ring.orientation import turned_by, usual_angle
from LaMoDCore.uncertainty.descriptors import DescriptorBlock
from LaMoDCore.uncertainty.respect import Respect

#: Insertion points are placed by eye, and hearts lie more variously than synthetic ones: least SD, rad.
_LEAST_TURN = float(np.radians(20.0))
#: No claim is made of what is rarer: the tails are extrapolated from some hundred slices.
_MOST_SAID = 6.0

ORIENTATION = "orientation"
#: What is said of each respect, and what to look at.
WORDS: dict[str, tuple[str, str]] = {
    "size": ("the size of the ring for its level", "Check the pixel size and the level."),
    "beat": ("its course over the beat", "Check the order of the frames and which of them is end-diastole."),
    "contraction": ("how much it contracts and thickens", "Check which frame is end-diastole, and the contours."),
    "way": ("how far the whole heart wanders", "Check that all frames show the same place."),
    "oval": ("how oval it is", "Check that pixels are as wide as they are high."),
    "outline": ("the outline of its wall", "Check the contours."),
    "gaps": ("gaps or islands in its wall", "Check that the ring is closed, and the only one."),
    "seen": ("what the encoder makes of its masks", "Check the masks."),
    "disagreement": ("how the prediction departs from its masks", "Compare carried with drawn contours."),
    ORIENTATION: ("where its right ventricle is inserted", "Check the insertion point and which way up the masks are."),
}

UNLIKE = (
    "This slice is unlike the training data in {respects}: {share} is as odd in {worst} (flagged beyond one in "
    "{limit}). Its numbers may be wrong in ways that the intervals do not show. {check}"
)
ALIKE = (
    "Within the range of the training data: it is oddest in {worst}, where {share} is as odd (flagged beyond one in "
    "{limit})."
)


@dataclass(frozen=True)
class UnlikeTraining:
    """What the flag says of one slice.

    Attributes:
        score: −log₁₀ of the share of training slices that are as odd, in the respect in which it is oddest: 3 is one
            in a thousand. Of orientation, the share is that of a normal law.
        limit: above it a slice is flagged.
        flagged: score > limit.
        sentence: the same in words.
        reasons: the respects above the limit in words, the worst first.
    """

    score: float
    limit: float
    flagged: bool
    sentence: str
    reasons: tuple[str, ...] = ()


class Familiarity(nn.Module):
    """How seldom training slices are as odd as a slice; buffers only.

    Args:
        blocks: by respect, as `descriptor_blocks` gives them.
    """

    limit: Tensor
    insertion: Tensor

    def __init__(self, blocks: Mapping[str, DescriptorBlock]) -> None:
        super().__init__()
        self.respects = nn.ModuleDict({name: Respect(block) for name, block in blocks.items()})
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
        """Learn what is usual.

        Args:
            training: [N, K] descriptors, slices of a subject next to each other.
            validation: [M, K] of other subjects.
            false_alarms: the limit leaves about that share of the validation slices above it, or of the training
                slices when they were left out, whichever limit is the higher; orientation, which is not always known,
                is not counted. It is one in a million at most.
            insertion_angles: [L] rad, how training hearts lie (`orientation`); none: orientation is not judged.
        """
        left_out = np.max([respect.fit(training) for respect in self._respects().values()], axis=0)
        self.insertion.copy_(torch.tensor(usual_angle(np.empty(0) if insertion_angles is None else insertion_angles)))
        scores = self.scores(validation)
        limit = max(np.quantile(each, 1 - false_alarms) for each in (scores, left_out))
        self.limit.fill_(float(min(limit, _MOST_SAID)))  # a handful of slices tell no limit

    def surprises(self, described: Array, insertion_angles: Array | None = None) -> dict[str, Array]:
        """−log₁₀ of the share of training slices that are as odd, of each slice in each respect, [N] each.

        Args:
            described: descriptors [N, K].
            insertion_angles: [N] rad, NaN where not known; None: of none.
        """
        found = {name: respect.surprise(described) for name, respect in self._respects().items()}
        usual, deviation = (float(value) for value in self.insertion)
        if insertion_angles is not None and deviation:
            turned = np.nan_to_num(turned_by(insertion_angles, usual)) / max(deviation, _LEAST_TURN)
            found[ORIENTATION] = np.asarray(-(np.log(2) + log_ndtr(-turned)) / np.log(10))
        return found

    def scores(self, described: Array, insertion_angles: Array | None = None) -> Array:
        """Of the oddest respect, [N]; arguments as in `surprises`."""
        return np.asarray(np.max(list(self.surprises(described, insertion_angles).values()), axis=0))

    def judge(self, described: Array, insertion_angle: float | None = None) -> UnlikeTraining:
        """One slice's descriptors [K], and the angle of its RV insertion where it is known."""
        angles = None if insertion_angle is None else np.array([insertion_angle])
        found = {name: float(each[0]) for name, each in self.surprises(described[None], angles).items()}
        worst_first = sorted(found, key=lambda name: -found[name])
        score, limit = found[worst_first[0]], float(self.limit)
        worst, check = WORDS[worst_first[0]]
        said = {"worst": worst, "share": _share(score), "limit": _count(limit)}
        if score <= limit:
            return UnlikeTraining(score, limit, False, ALIKE.format(**said))
        reasons = tuple(WORDS[name][0] for name in worst_first if found[name] > limit)
        sentence = UNLIKE.format(respects=_listed(reasons), check=check, **said)
        return UnlikeTraining(score, limit, True, sentence, reasons)

    def _respects(self) -> dict[str, Respect]:
        return {name: respect for name, respect in self.respects.items() if isinstance(respect, Respect)}


def _share(score: float) -> str:
    about, shown = ("less than", _MOST_SAID) if score > _MOST_SAID else ("about", score)
    return f"{about} one training slice in {_count(shown)}"


def _count(score: float) -> str:
    """10^score to two digits: 1 200 000, with spaces that do not break."""
    rounding = max(int(score) - 1, 0)
    return f"{round(round(10.0**score, -rounding)):,}".replace(",", "\N{NO-BREAK SPACE}")


def _listed(words: tuple[str, ...]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"

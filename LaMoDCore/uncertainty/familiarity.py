"""Whether a slice is unlike the training data, and in what: how far its descriptors lie from theirs.

Every respect in which slices can be odd (size, beat, outline, …: `descriptor_blocks`) has its own Mahalanobis distance
(Lee et al., NeurIPS 2018, use it on features of a classifier), since among a hundred numbers three that are far off do
not show. Each distance is divided by the one that a hundredth of training slices exceed when they were left out of its
fit; the score is the largest of these, and the limit on it is what held-out slices seldom exceed, so that many respects
raise no more false alarms than one. Two cares: descriptors are bounded, so that one wild number cannot hide the others'
scale, and directions in which the training data hardly vary count as if they varied a little, since a few hundred
slices do not tell their true spread.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from LaMoDCore.geometry import Array
from LaMoDCore.uncertainty.descriptors import DescriptorBlock
from LaMoDCore.uncertainty.orientation import turned_by, usual_angle

#: Descriptors further out than this many robust standard deviations count as this far.
_BOUND = 12.0
#: Least variance of a direction, as a share of the block's mean variance; least spread of a descriptor.
_FLOOR, _LEAST_SPREAD = 0.03, 0.01
#: The scale of a respect: the distance that this share of left-out training slices exceed.
_RARE = 0.01
#: Parts of the training slices that are left out in turn; neighbours, which may be of one subject, stay together.
_FOLDS = 5
#: Insertion points are placed by eye, and hearts lie more variously than synthetic ones: least SD, rad.
_LEAST_TURN = float(np.radians(20.0))
#: Standard deviations that `_RARE` of normal numbers exceed on either side.
_RARE_SD = 2.576

ORIENTATION = "orientation"
#: Respects by number, as files know them; what is said of each, and what to look at. The first is a model's that knows
#: a single distance over all its descriptors.
RESPECTS: dict[str, tuple[str, str]] = {
    "all": ("", "Check the masks, their order in time and their scale."),
    "size": ("the size of the ring for its level", "Check the pixel size and the level."),
    "beat": ("its course over the beat", "Check the order of the frames and which of them is end-diastole."),
    "way": ("how far the whole heart wanders", "Check that all frames show the same place."),
    "outline": ("the outline of its wall", "Check the contours."),
    "seen": ("what the encoder makes of its masks", "Check the masks."),
    "disagreement": ("how the prediction departs from its masks", "Compare carried with drawn contours."),
    ORIENTATION: ("where its right ventricle is inserted", "Check the insertion point and which way up the masks are."),
}
_NUMBERS = {name: number for number, name in enumerate(RESPECTS)}

UNLIKE = (
    "This slice is unlike the training data{respects} (distance {score:.2f}, limit {limit:.2f}): its numbers may be "
    "wrong in ways that the intervals do not show. {check}"
)
ALIKE = "Within the range of the training data (distance {score:.2f}, limit {limit:.2f})."


@dataclass(frozen=True)
class UnlikeTraining:
    """What the flag says of one slice.

    Attributes:
        score: distance from the training data in the respect in which it is oddest; few training slices exceed 1.
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
    """Distances of descriptors from those of the training data; buffers only.

    Files without the last three buffers are those of a single distance over all descriptors, and are judged by it.

    Args:
        count: number of descriptors.
    """

    middle: Tensor
    spread: Tensor
    whitening: Tensor
    limit: Tensor
    respect: Tensor
    rare: Tensor
    insertion: Tensor

    def __init__(self, count: int) -> None:
        super().__init__()
        self.register_buffer("middle", torch.zeros(count))
        self.register_buffer("spread", torch.ones(count))
        self.register_buffer("whitening", torch.eye(count))
        self.register_buffer("limit", torch.tensor(1.0))
        self.register_buffer("respect", torch.zeros(count))
        self.register_buffer("rare", torch.ones(len(RESPECTS)))
        self.register_buffer("insertion", torch.zeros(2))

    def fit(
        self,
        training: Array,
        validation: Array,
        false_alarms: float = 0.025,
        *,
        blocks: Mapping[str, DescriptorBlock] | None = None,
        insertion_angles: Array | None = None,
    ) -> None:
        """Learn what is usual.

        Args:
            training: [N, K] descriptors, slices of a subject next to each other.
            validation: [M, K] of other subjects.
            false_alarms: the limit leaves at most that share of the validation slices above it, and of them and the
                left-out training slices together.
            blocks: as `descriptor_blocks` gives them; by default one of all descriptors.
            insertion_angles: [L] rad, how training hearts lie (`orientation`); none: orientation is not judged.
        """
        middle = np.median(training, axis=0)
        spread = 1.4826 * np.median(np.abs(training - middle), axis=0)
        spread = np.maximum(spread, np.maximum(0.3 * training.std(axis=0), _LEAST_SPREAD))
        self.middle.copy_(torch.from_numpy(middle))
        self.spread.copy_(torch.from_numpy(spread))
        self.respect.fill_(-1)
        self.rare.fill_(1)
        self.whitening.zero_()
        offsets = _bounded((training - middle) / spread)
        left_out = []
        whole = DescriptorBlock(np.arange(training.shape[1]), np.empty(0, dtype=np.int64))
        for name, block in (blocks or {"all": whole}).items():
            columns = np.concatenate([block.places, block.given])
            own, count = offsets[:, columns], len(block.places)
            held = np.concatenate(
                [_lengths(own[here], _whitening(own[others], count)) for here, others in _folds(len(own))]
            )
            rare = max(float(np.quantile(held, 1 - _RARE)), 1e-6)
            left_out.append(held / rare)
            self.rare[_NUMBERS[name]] = rare
            rows = torch.from_numpy(block.places)
            self.respect[rows] = float(_NUMBERS[name])
            self.whitening[rows[:, None], torch.from_numpy(columns)] = torch.from_numpy(_whitening(own, count)).float()
        self.insertion.copy_(torch.tensor(usual_angle(np.empty(0) if insertion_angles is None else insertion_angles)))
        scores = self.scores(validation)
        together = np.concatenate([scores, np.max(left_out, axis=0)])
        self.limit.fill_(float(max(np.quantile(scores, 1 - false_alarms), np.quantile(together, 1 - false_alarms))))

    def distances(self, described: Array, insertion_angles: Array | None = None) -> dict[str, Array]:
        """Distance of each slice in each respect, [N] each; 1 is what a hundredth of training slices exceed.

        Args:
            described: descriptors [N, K].
            insertion_angles: [N] rad, NaN where not known; None: of none.
        """
        whitening, respect = self.whitening.double().cpu().numpy(), self.respect.cpu().numpy()
        offset = _bounded((described - self.middle.cpu().numpy()) / self.spread.cpu().numpy())
        found = {}
        for number, name in enumerate(RESPECTS):
            rows = whitening[respect == number]
            if rows.size:
                found[name] = _lengths(offset, rows) / float(self.rare[number])
        usual, deviation = (float(value) for value in self.insertion)
        if insertion_angles is not None and deviation:
            turned = turned_by(insertion_angles, usual) / (_RARE_SD * max(deviation, _LEAST_TURN))
            found[ORIENTATION] = np.nan_to_num(turned)
        return found

    def scores(self, described: Array, insertion_angles: Array | None = None) -> Array:
        """Distance in the oddest respect, [N]; arguments as in `distances`."""
        return np.asarray(np.max(list(self.distances(described, insertion_angles).values()), axis=0))

    def judge(self, described: Array, insertion_angle: float | None = None) -> UnlikeTraining:
        """One slice's descriptors [K], and the angle of its RV insertion where it is known."""
        angles = None if insertion_angle is None else np.array([insertion_angle])
        found = {name: float(each[0]) for name, each in self.distances(described[None], angles).items()}
        worst_first = sorted(found, key=lambda name: -found[name])
        score, limit = found[worst_first[0]], float(self.limit)
        if score <= limit:
            return UnlikeTraining(score, limit, False, ALIKE.format(score=score, limit=limit))
        reasons = tuple(RESPECTS[name][0] for name in worst_first if found[name] > limit and RESPECTS[name][0])
        said = f" in {_listed(reasons)}" if reasons else ""
        check = RESPECTS[worst_first[0]][1]
        return UnlikeTraining(
            score, limit, True, UNLIKE.format(respects=said, score=score, limit=limit, check=check), reasons
        )

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *rest: Any) -> None:
        """A file of a single distance lacks what tells respects apart; it keeps its one."""
        for name in ("respect", "rare", "insertion"):
            state_dict.setdefault(prefix + name, getattr(self, name))
        super()._load_from_state_dict(state_dict, prefix, *rest)


def _folds(count: int) -> list[tuple[Array, Array]]:
    """Slices that are left out, and the others, in turn; all and all where there are too few."""
    every = np.arange(count)
    if count < 4 * _FOLDS:
        return [(every, every)]
    return [(here, np.setdiff1d(every, here)) for here in np.array_split(every, _FOLDS)]


def _whitening(offsets: Array, count: int) -> Array:
    """[M, M + G] that takes offsets [N, M + G] to unit mean square: the first M, less what the others say of them."""
    own, given = offsets[:, :count], offsets[:, count:]
    expected = np.linalg.pinv(given, rcond=1e-6) @ own if given.size else np.zeros((given.shape[1], count))
    values, vectors = np.linalg.eigh(np.atleast_2d(np.cov(own - given @ expected, rowvar=False)))
    values = np.maximum(values, max(_FLOOR * values.mean(), 1e-12))
    rows = (vectors / np.sqrt(values)).T / np.sqrt(count)
    return np.concatenate([rows, -rows @ expected.T], axis=1)


def _lengths(offsets: Array, whitening: Array) -> Array:
    return np.asarray(np.linalg.norm(offsets @ whitening.T, axis=1))


def _listed(words: tuple[str, ...]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def _bounded(values: Array) -> Array:
    """Identity near 0, never beyond ±`_BOUND`."""
    return np.asarray(_BOUND * np.tanh(np.nan_to_num(values, posinf=1e6, neginf=-1e6) / _BOUND))

"""Whether a slice is unlike the training data: how far its descriptors lie from theirs.

A Mahalanobis distance (Lee et al., NeurIPS 2018, use it on features of a classifier), with two cares: descriptors are
bounded, so that one wild number cannot hide the others' scale, and directions in which the training data hardly vary
count as if they varied a little, since a few hundred slices do not tell their true spread.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from LaMoDCore.geometry import Array

#: Descriptors further out than this many robust standard deviations count as this far.
_BOUND = 12.0
#: Least variance of a direction, as a share of the mean variance.
_FLOOR = 0.03

UNLIKE = (
    "This slice is unlike the training data (distance {score:.2f}, limit {limit:.2f}): its numbers may be wrong in "
    "ways that the intervals do not show. Check the masks, their order in time and their scale."
)
ALIKE = "Within the range of the training data (distance {score:.2f}, limit {limit:.2f})."


@dataclass(frozen=True)
class UnlikeTraining:
    """What the flag says of one slice.

    Attributes:
        score: distance from the training data; 1 is usual.
        limit: above it a slice is flagged.
        flagged: score > limit.
        sentence: the same in words.
    """

    score: float
    limit: float
    flagged: bool
    sentence: str


class Familiarity(nn.Module):
    """Distance of descriptors from those of the training data; buffers only.

    Args:
        count: number of descriptors.
    """

    middle: Tensor
    spread: Tensor
    whitening: Tensor
    limit: Tensor

    def __init__(self, count: int) -> None:
        super().__init__()
        self.register_buffer("middle", torch.zeros(count))
        self.register_buffer("spread", torch.ones(count))
        self.register_buffer("whitening", torch.eye(count))
        self.register_buffer("limit", torch.tensor(1.0))

    def fit(self, training: Array, validation: Array, false_alarms: float = 0.025) -> None:
        """Learn what is usual from `training` [N, K]; the limit leaves that share of `validation` [M, K] above it."""
        middle = np.median(training, axis=0)
        spread = 1.4826 * np.median(np.abs(training - middle), axis=0)
        spread = np.maximum(spread, np.maximum(0.3 * training.std(axis=0), 1e-4))
        self.middle.copy_(torch.from_numpy(middle))
        self.spread.copy_(torch.from_numpy(spread))
        bounded = _bounded((training - middle) / spread)
        values, vectors = np.linalg.eigh(np.cov(bounded, rowvar=False))
        values = np.maximum(values, _FLOOR * values.mean())
        self.whitening.copy_(torch.from_numpy((vectors / np.sqrt(values)).T / np.sqrt(len(values))))
        self.limit.fill_(float(np.quantile(self.scores(validation), 1 - false_alarms)))

    def scores(self, described: Array) -> Array:
        """Root mean square of the whitened descriptors [N, K] -> [N]; about 1 for training data."""
        offset = _bounded((described - self.middle.cpu().numpy()) / self.spread.cpu().numpy())
        return np.asarray(np.linalg.norm(offset @ self.whitening.cpu().numpy().T, axis=1))

    def judge(self, described: Array) -> UnlikeTraining:
        """One slice's descriptors [K]."""
        score, limit = float(self.scores(described[None])[0]), float(self.limit)
        flagged = score > limit
        return UnlikeTraining(score, limit, flagged, (UNLIKE if flagged else ALIKE).format(score=score, limit=limit))


def _bounded(values: Array) -> Array:
    """Identity near 0, never beyond ±`_BOUND`."""
    return np.asarray(_BOUND * np.tanh(np.nan_to_num(values, posinf=1e6, neginf=-1e6) / _BOUND))

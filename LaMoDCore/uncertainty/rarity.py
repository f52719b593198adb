"""Rarity of a slice in one group of descriptors: how rarely training slices are at least as unusual.

Each group has a score that increases with how unusual a slice is. Scores of different groups are not comparable: five
robust standard deviations are rare in one group and common in another with a long tail. They are therefore converted
to the fraction of training slices, left out of the fit, that reach the same score. Beyond the 90th percentile the tail
is modelled as exponential with the observed mean excess, the limit for most light-tailed distributions (Pickands,
Ann. Stat. 3, 1975), so that slices beyond all training slices are still ranked.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from LaMoDCore.heart.geometry import Array
from LaMoDCore.runtime.even_selection import spread_evenly
from LaMoDCore.uncertainty.descriptors import DescriptorGroup

#: Bound on descriptors, in robust standard deviations.
_BOUND = 12.0
#: Minimum variance along a principal axis, as a fraction of the group's mean variance; minimum spread of a descriptor.
_FLOOR, _MIN_SPREAD = 0.03, 0.01
#: Number of cross-validation folds, in consecutive blocks because neighbouring slices may be of the same subject.
_FOLDS = 5
#: Quantile levels at which scores of left-out training slices are stored; the tail begins at the last one.
_SHARES = np.linspace(0.0, 0.9, 46)
#: Upper limit of the rarity, −log₁₀ of a fraction.
_MAX_RARITY = 99.0
#: Number of training slices in the kernel density estimate, and the kernel width in standard deviations.
_ANCHORS, _KERNEL = 2048, 0.5
#: Levels with fewer training slices than the first value have no separate density. The second value is added to
#: densities before the logarithm.
_MIN_OF_LEVEL, _MIN_DENSITY = 20, 1e-12


class GroupRarity(nn.Module):
    """Rarity in one group of descriptors. Has buffers only, no parameters.

    Args:
        group: the descriptors and how they are compared with the training data.
    """

    middle: Tensor
    spread: Tensor
    whitening: Tensor
    anchors: Tensor
    usual: Tensor
    excess: Tensor

    def __init__(self, group: DescriptorGroup) -> None:
        super().__init__()
        self.group = group
        count = len(group.places)
        self.register_buffer("middle", torch.zeros(count))
        self.register_buffer("spread", torch.ones(count))
        if group.measure == "distance":
            self.register_buffer("whitening", torch.eye(count))
        if group.measure == "density":  # of each anchor: whether it exists, its descriptors, its level
            self.register_buffer("anchors", torch.zeros(_ANCHORS, 1 + count + len(group.level)))
        self.register_buffer("usual", torch.linspace(0, 1, len(_SHARES)))
        self.register_buffer("excess", torch.tensor(1.0))

    def fit(self, training: Array) -> Array:
        """Fit to descriptors [N, K] and return the cross-validated rarity of each slice, [N]."""
        held = np.empty(len(training))
        for here, others in _folds(len(training)):
            self._fit_score(training[others])
            held[here] = self.score(training[here])
        self._fit_score(training)
        usual = np.quantile(held, _SHARES)
        beyond = held[held > usual[-1]] - usual[-1]
        self.usual.copy_(torch.from_numpy(usual))
        self.excess.fill_(max(float(beyond.mean()) if beyond.size else 0.0, 1e-6))
        return self._rarity_of(held)

    def rarity(self, described: Array) -> Array:
        """Rarity [N] of slices [N, K]: −log₁₀ of the fraction of training slices as unusual, extrapolated
        beyond them: for ranking only."""
        return self._rarity_of(self.score(described))

    def score(self, described: Array) -> Array:
        """Scores [N] of slices [N, K], which increase with how unusual a slice is."""
        middle, spread = self.middle.cpu().double().numpy(), self.spread.cpu().double().numpy()
        offsets = _bounded((self.group.values(described) - middle) / spread)
        if self.group.measure == "excess":
            return np.asarray(np.linalg.norm(np.maximum(offsets, 0.0), axis=1))
        if self.group.measure == "density":
            return self._minus_log_density(offsets, described[:, self.group.level] > 0.5)
        return np.asarray(np.linalg.norm(offsets @ self.whitening.cpu().double().numpy().T, axis=1))

    def _fit_score(self, training: Array) -> None:
        values = self.group.values(training)
        middle, spread = np.median(values, axis=0), values.std(axis=0)
        if self.group.measure == "distance":  # outliers must not inflate the scale
            robust = 1.4826 * np.median(np.abs(values - middle), axis=0)
            spread = np.maximum(robust, 0.3 * spread)
            smallest = _MIN_SPREAD
        else:
            smallest = 0.1 * _MIN_SPREAD
        spread = np.maximum(spread, smallest)
        self.middle.copy_(torch.from_numpy(middle))
        self.spread.copy_(torch.from_numpy(spread))
        offsets = _bounded((values - middle) / spread)
        if self.group.measure == "distance":
            self.whitening.copy_(torch.from_numpy(_whitening(offsets)))
        if self.group.measure == "density":
            chosen = spread_evenly(len(offsets), _ANCHORS)
            rows = np.column_stack([np.ones(len(chosen)), offsets[chosen], training[np.ix_(chosen, self.group.level)]])
            self.anchors.zero_()
            self.anchors[: len(chosen)] = torch.from_numpy(rows).float()

    def _minus_log_density(self, offsets: Array, level: Array) -> Array:
        """Compute −ln of the kernel density of training slices of the same level, bool [N, G], at offsets [N, M].

        A slice with no level, or at a level with few training slices, is compared with all of them.
        """
        anchors = self.anchors.cpu().double().numpy()
        exists, places = anchors[:, 0], anchors[:, 1 : 1 + offsets.shape[1]]
        same = level.astype(np.float64) @ anchors[:, 1 + offsets.shape[1] :].T * exists
        weight = np.where(same.sum(axis=1, keepdims=True) >= _MIN_OF_LEVEL, same, exists)
        apart = ((offsets[:, None] - places[None]) ** 2).sum(axis=-1) / _KERNEL**2
        density = (weight * np.exp(-apart / 2)).sum(axis=1) / np.maximum(weight.sum(axis=1), 1.0)
        return np.asarray(-np.log(density + _MIN_DENSITY))

    def _rarity_of(self, scores: Array) -> Array:
        usual, excess = self.usual.cpu().double().numpy(), float(self.excess)
        levels, first = np.unique(usual, return_index=True)  # equal scores get the same rarity
        share = np.where(scores > usual[-1], _SHARES[-1], np.interp(scores, levels, _SHARES[first]))
        beyond = np.maximum(scores - usual[-1], 0.0) / excess
        return np.asarray(np.minimum((beyond - np.log(1 - share)) / np.log(10), _MAX_RARITY))


def _folds(count: int) -> list[tuple[Array, Array]]:
    """Pairs of left-out and remaining slice indices; both are all slices if there are too few."""
    every = np.arange(count)
    if count < 4 * _FOLDS:
        return [(every, every)]
    return [(here, np.setdiff1d(every, here)) for here in np.array_split(every, _FOLDS)]


def _bounded(offsets: Array) -> Array:
    """Bound values smoothly to ±`_BOUND`, with identity near 0; non-finite values map to the bound."""
    return np.asarray(_BOUND * np.tanh(np.nan_to_num(offsets, nan=1e6, posinf=1e6, neginf=-1e6) / _BOUND))


def _whitening(offsets: Array) -> Array:
    """Matrix [M, M] that whitens offsets [N, M] so that their squared norm is 1 on average."""
    values, vectors = np.linalg.eigh(np.atleast_2d(np.cov(offsets, rowvar=False)))
    values = np.maximum(values, max(_FLOOR * values.mean(), 1e-12))
    return np.asarray((vectors / np.sqrt(values)).T / np.sqrt(offsets.shape[1]))

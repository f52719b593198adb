"""How odd a slice is in one respect: a number that grows with its oddness, and how seldom training slices reach it.

Numbers of different respects cannot be compared: five robust deviations mean much in one, and little in one whose
tail is long. What can be compared is how seldom training slices, when left out of the fit, get as far. Beyond the last
tenth of them the tail is taken to fall exponentially with its mean excess, the limit law for thresholds of most
distributions with light tails (Pickands, Ann. Stat. 3, 1975), so that what no training slice was still has its order.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from LaMoDCore.heart.geometry import Array
from LaMoDCore.runtime.even_selection import spread_evenly
from LaMoDCore.uncertainty.descriptors import DescriptorBlock

#: Descriptors further out than this many robust standard deviations count as this far.
_BOUND = 12.0
#: Least variance of a direction, as a share of the block's mean variance; least spread of a descriptor.
_FLOOR, _LEAST_SPREAD = 0.03, 0.01
#: Parts of the training slices that are left out in turn; neighbours, which may be of one subject, stay together.
_FOLDS = 5
#: Shares of left-out training slices at which oddness is kept, the last one where the tail begins.
_SHARES = np.linspace(0.0, 0.9, 46)
#: No share is said to be less than ten to minus this.
_MOST = 99.0
#: Training slices that a density is made of, and its kernel's width in their standard deviations.
_ANCHORS, _KERNEL = 2048, 0.5
#: A level of which fewer are known has no density of its own. Added to densities, so that they have a logarithm.
_FEWEST_OF_LEVEL, _LEAST_DENSITY = 20, 1e-12


class Respect(nn.Module):
    """Buffers only.

    Args:
        block: the descriptors that it looks at, and how.
    """

    middle: Tensor
    spread: Tensor
    whitening: Tensor
    anchors: Tensor
    usual: Tensor
    excess: Tensor

    def __init__(self, block: DescriptorBlock) -> None:
        super().__init__()
        self.block = block
        count = len(block.places)
        self.register_buffer("middle", torch.zeros(count))
        self.register_buffer("spread", torch.ones(count))
        if block.measure == "distance":
            self.register_buffer("whitening", torch.eye(count))
        if block.measure == "density":  # of each: whether there is one, its numbers, its level
            self.register_buffer("anchors", torch.zeros(_ANCHORS, 1 + count + len(block.level)))
        self.register_buffer("usual", torch.linspace(0, 1, len(_SHARES)))
        self.register_buffer("excess", torch.tensor(1.0))

    def fit(self, training: Array) -> Array:
        """Learn from descriptors [N, K] what is usual; returns the surprise of each slice when it was left out, [N]."""
        held = np.empty(len(training))
        for here, others in _folds(len(training)):
            self._fit_oddness(training[others])
            held[here] = self.oddness(training[here])
        self._fit_oddness(training)
        usual = np.quantile(held, _SHARES)
        beyond = held[held > usual[-1]] - usual[-1]
        self.usual.copy_(torch.from_numpy(usual))
        self.excess.fill_(max(float(beyond.mean()) if beyond.size else 0.0, 1e-6))
        return self._surprise_of(held)

    def surprise(self, described: Array) -> Array:
        """−log₁₀ of the share of training slices that are as odd as slices [N, K], [N]: 3 is one in a thousand."""
        return self._surprise_of(self.oddness(described))

    def oddness(self, described: Array) -> Array:
        """A number of each of slices [N, K] that grows with its oddness, [N]."""
        middle, spread = self.middle.cpu().double().numpy(), self.spread.cpu().double().numpy()
        offsets = _bounded((self.block.values(described) - middle) / spread)
        if self.block.measure == "excess":
            return np.asarray(np.linalg.norm(np.maximum(offsets, 0.0), axis=1))
        if self.block.measure == "density":
            return self._rarity(offsets, described[:, self.block.level] > 0.5)
        return np.asarray(np.linalg.norm(offsets @ self.whitening.cpu().double().numpy().T, axis=1))

    def _fit_oddness(self, training: Array) -> None:
        values = self.block.values(training)
        middle, spread = np.median(values, axis=0), values.std(axis=0)
        if self.block.measure == "distance":  # no outlier may hide the others' scale
            robust = 1.4826 * np.median(np.abs(values - middle), axis=0)
            spread = np.maximum(robust, 0.3 * spread)
            least = _LEAST_SPREAD
        else:
            least = 0.1 * _LEAST_SPREAD
        spread = np.maximum(spread, least)
        self.middle.copy_(torch.from_numpy(middle))
        self.spread.copy_(torch.from_numpy(spread))
        offsets = _bounded((values - middle) / spread)
        if self.block.measure == "distance":
            self.whitening.copy_(torch.from_numpy(_whitening(offsets)))
        if self.block.measure == "density":
            chosen = spread_evenly(len(offsets), _ANCHORS)
            rows = np.column_stack([np.ones(len(chosen)), offsets[chosen], training[np.ix_(chosen, self.block.level)]])
            self.anchors.zero_()
            self.anchors[: len(chosen)] = torch.from_numpy(rows).float()

    def _rarity(self, offsets: Array, level: Array) -> Array:
        """−ln of the kernel density of training slices at [N, M], among those of the same level bool [N, G].

        A slice without a level, or of one that hardly occurred, is compared with all.
        """
        anchors = self.anchors.cpu().double().numpy()
        there, places = anchors[:, 0], anchors[:, 1 : 1 + offsets.shape[1]]
        same = level.astype(np.float64) @ anchors[:, 1 + offsets.shape[1] :].T * there
        weight = np.where(same.sum(axis=1, keepdims=True) >= _FEWEST_OF_LEVEL, same, there)
        apart = ((offsets[:, None] - places[None]) ** 2).sum(axis=-1) / _KERNEL**2
        density = (weight * np.exp(-apart / 2)).sum(axis=1) / np.maximum(weight.sum(axis=1), 1.0)
        return np.asarray(-np.log(density + _LEAST_DENSITY))

    def _surprise_of(self, oddness: Array) -> Array:
        usual, excess = self.usual.cpu().double().numpy(), float(self.excess)
        levels, first = np.unique(usual, return_index=True)  # of those that tie, none is odder than the others
        share = np.where(oddness > usual[-1], _SHARES[-1], np.interp(oddness, levels, _SHARES[first]))
        beyond = np.maximum(oddness - usual[-1], 0.0) / excess
        return np.asarray(np.minimum((beyond - np.log(1 - share)) / np.log(10), _MOST))


def _folds(count: int) -> list[tuple[Array, Array]]:
    """Slices that are left out, and the others, in turn; all and all where there are too few."""
    every = np.arange(count)
    if count < 4 * _FOLDS:
        return [(every, every)]
    return [(here, np.setdiff1d(every, here)) for here in np.array_split(every, _FOLDS)]


def _bounded(offsets: Array) -> Array:
    """Identity near 0, never beyond ±`_BOUND`; what is not finite is as far as can be."""
    return np.asarray(_BOUND * np.tanh(np.nan_to_num(offsets, nan=1e6, posinf=1e6, neginf=-1e6) / _BOUND))


def _whitening(offsets: Array) -> Array:
    """[M, M] that takes offsets [N, M] to unit mean square."""
    values, vectors = np.linalg.eigh(np.atleast_2d(np.cov(offsets, rowvar=False)))
    values = np.maximum(values, max(_FLOOR * values.mean(), 1e-12))
    return np.asarray((vectors / np.sqrt(values)).T / np.sqrt(offsets.shape[1]))

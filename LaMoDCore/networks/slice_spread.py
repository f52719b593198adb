"""How wide the posterior of one slice is, from its descriptors: some hearts leave more open than others.

The diffusion of the motion latent has one unit for all slices, the scatter around the regression. By how much a slice
differs from the usual is one number, the logarithm of its residual energy, told by a ridge regression on the slice's
descriptors: a heteroscedastic linear model (Harvey, Econometrica 44, 1976), which a few hundred slices determine where
a network's own learned spread needs many thousands. Not every mode follows it alike: what a badly drawn wall leaves
open does, rotation, which no wall shows, hardly does. So each mode has its own share of it.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from LaMoDCore.heart.geometry import Array

#: Ridges that are tried; the last all but switches the regression off.
RIDGES = (30.0, 100.0, 300.0, 1000.0, 3000.0, 1e9)
#: Descriptors are bounded, in standard deviations, and so is the logarithm of the variance's factor.
_MOST_STANDARD, _MOST_LOG_VARIANCE = 4.0, 2.0
_LEAST_SCALE, _LEAST_ENERGY = 1e-2, 1e-9
#: Of the slice's log energy, that a mode's follows.
_SHARES = tuple(np.linspace(0.0, 2.0, 41).round(2).tolist())


class SliceSpread(nn.Module):
    """The factors of a slice's posterior standard deviations; buffers only, all 1 before they are fitted.

    Args:
        count: number of descriptors.
        modes: of the motion latent.
    """

    middle: Tensor
    scale: Tensor
    regression: Tensor
    share: Tensor
    offset: Tensor

    def __init__(self, count: int, modes: int) -> None:
        super().__init__()
        self.register_buffer("middle", torch.zeros(count))
        self.register_buffer("scale", torch.ones(count))
        self.register_buffer("regression", torch.zeros(count))
        self.register_buffer("share", torch.zeros(modes))
        self.register_buffer("offset", torch.zeros(modes))

    def fit(self, described: Array, energy: Array, held_described: Array, held_energy: Array) -> tuple[float, float]:
        """Learn them, with the ridge under which held-out slices are likeliest.

        Args:
            described: float32 [N, K], descriptors of the training slices.
            energy: [N, modes], squares of each one's offset from the expected code, in units of the scatter.
            held_described, held_energy: the same of validation slices.

        Returns:
            the ridge, and the share of the variance of the validation slices' log energy that is explained.
        """
        self.middle.copy_(torch.from_numpy(described.mean(axis=0)))
        self.scale.copy_(torch.from_numpy(described.std(axis=0) + _LEAST_SCALE))
        best = (RIDGES[-1], np.inf)
        for ridge in RIDGES:
            self._fit(described, energy, ridge)
            log_variance = 2 * np.log(self.factors(held_described))
            # A code's negative log-likelihood, up to constants and the number of modes.
            surprise = float((log_variance + held_energy * np.exp(-log_variance)).mean())
            if surprise < best[1]:
                best = (ridge, surprise)
        self._fit(described, energy, best[0])
        wanted = np.log(np.maximum(held_energy.mean(axis=1), _LEAST_ENERGY))
        missed = wanted - self._told(held_described)
        return best[0], float(1 - missed.var() / max(wanted.var(), 1e-12))

    def _fit(self, described: Array, energy: Array, ridge: float) -> None:
        rows = self._standard(described)
        logarithm = np.log(np.maximum(energy.mean(axis=1), _LEAST_ENERGY))
        wanted = logarithm - logarithm.mean()
        kernel = rows @ rows.T + ridge * np.eye(len(rows))
        inverse = np.linalg.inv(kernel)
        self.regression.copy_(torch.from_numpy(rows.T @ (inverse @ wanted)))
        # What the other slices say of each, so that the fit to itself hides nothing.
        by_others = wanted - (inverse @ wanted) / inverse.diagonal()
        told = np.clip(by_others, -_MOST_LOG_VARIANCE, _MOST_LOG_VARIANCE)
        # log σ² = offset + share · told, mode by mode the likeliest; each offset follows from its share.
        alive = energy.mean(axis=0) > _LEAST_ENERGY  # fewer slices than modes leave modes of nothing, of width 1
        energy = np.where(alive, energy, 1.0)
        offsets = np.stack([np.log((energy * np.exp(-share * told)[:, None]).mean(axis=0)) for share in _SHARES])
        surprise = offsets + np.array(_SHARES)[:, None] * told.mean() + 1
        likeliest = surprise.argmin(axis=0)
        self.share.copy_(torch.from_numpy(np.where(alive, np.array(_SHARES)[likeliest], 0.0)))
        self.offset.copy_(torch.from_numpy(np.where(alive, offsets[likeliest, np.arange(energy.shape[1])], 0.0)))

    def factors(self, described: Array) -> Array:
        """Descriptors [N, K] -> factors of the standard deviations, float64 [N, modes]."""
        share, offset = self.share.double().cpu().numpy(), self.offset.double().cpu().numpy()
        return np.asarray(np.exp(0.5 * (offset + share * self._told(described)[:, None])))

    def _told(self, described: Array) -> Array:
        """Log energy beside the usual, [N], bounded."""
        told = self._standard(described) @ self.regression.double().cpu().numpy()
        return np.asarray(np.clip(told, -_MOST_LOG_VARIANCE, _MOST_LOG_VARIANCE))

    def _standard(self, described: Array) -> Array:
        middle, scale = self.middle.double().cpu().numpy(), self.scale.double().cpu().numpy()
        told = np.nan_to_num((described - middle) / scale, posinf=_MOST_STANDARD, neginf=-_MOST_STANDARD)
        return np.asarray(np.clip(told, -_MOST_STANDARD, _MOST_STANDARD))

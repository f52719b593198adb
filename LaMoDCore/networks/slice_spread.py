"""How wide the posterior of one slice is, from its descriptors: some hearts leave more open than others.

The diffusion of the motion latent has one unit for all slices, the scatter around the regression. What a slice differs
from the usual by is one factor, whose logarithm is a ridge regression on the slice's descriptors: a heteroscedastic
linear model (Harvey, Econometrica 44, 1976), which a few hundred slices determine where a network's own learned spread
needs many thousands.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from LaMoDCore.geometry import Array

#: Ridges that are tried; the last all but switches the regression off.
RIDGES = (30.0, 100.0, 300.0, 1000.0, 3000.0, 1e9)
#: Descriptors are bounded, in standard deviations, and so is the logarithm of the variance's factor.
_MOST_STANDARD, _MOST_LOG_VARIANCE = 4.0, 2.0
_LEAST_SCALE = 1e-2


class SliceSpread(nn.Module):
    """The factor of a slice's posterior standard deviation; buffers only, 1 before it is fitted.

    Args:
        count: number of descriptors.
    """

    middle: Tensor
    scale: Tensor
    regression: Tensor
    offset: Tensor

    def __init__(self, count: int) -> None:
        super().__init__()
        self.register_buffer("middle", torch.zeros(count))
        self.register_buffer("scale", torch.ones(count))
        self.register_buffer("regression", torch.zeros(count))
        self.register_buffer("offset", torch.zeros(()))

    def fit(self, described: Array, energy: Array, held_described: Array, held_energy: Array) -> tuple[float, float]:
        """Learn it, with the ridge under which held-out slices are likeliest.

        Args:
            described: float32 [N, K], descriptors of the training slices.
            energy: [N], mean square of each one's offset from the expected code, in units of the scatter.
            held_described, held_energy: the same of validation slices.

        Returns:
            the ridge, and the share of the variance of the validation slices' log energy that the factor explains.
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
        wanted = np.log(np.maximum(held_energy, 1e-9))
        found = 2 * np.log(self.factors(held_described))
        missed = wanted - found
        return best[0], float(1 - missed.var() / max(wanted.var(), 1e-12))

    def _fit(self, described: Array, energy: Array, ridge: float) -> None:
        rows = self._standard(described)
        logarithm = np.log(np.maximum(energy, 1e-9))
        wanted = logarithm - logarithm.mean()
        kernel = rows @ rows.T + ridge * np.eye(len(rows))
        inverse = np.linalg.inv(kernel)
        self.regression.copy_(torch.from_numpy(rows.T @ (inverse @ wanted)))
        # The offset makes the scaled energy 1 on average where every slice's factor comes from the others.
        by_others = wanted - (inverse @ wanted) / inverse.diagonal()
        bounded = np.clip(by_others, -_MOST_LOG_VARIANCE, _MOST_LOG_VARIANCE)
        self.offset.fill_(float(np.log((energy * np.exp(-bounded)).mean())))

    def factors(self, described: Array) -> Array:
        """Descriptors [N, K] -> factors of the standard deviation, float64 [N]."""
        told = self._standard(described) @ self.regression.double().cpu().numpy()
        bounded = np.clip(told, -_MOST_LOG_VARIANCE, _MOST_LOG_VARIANCE)
        return np.asarray(np.exp(0.5 * (float(self.offset) + bounded)))

    def _standard(self, described: Array) -> Array:
        middle, scale = self.middle.double().cpu().numpy(), self.scale.double().cpu().numpy()
        told = np.nan_to_num((described - middle) / scale, posinf=_MOST_STANDARD, neginf=-_MOST_STANDARD)
        return np.asarray(np.clip(told, -_MOST_STANDARD, _MOST_STANDARD))

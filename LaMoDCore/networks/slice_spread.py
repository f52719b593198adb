"""Width of the posterior of one slice, from its descriptors: the uncertainty differs between hearts.

The diffusion of the motion latent has one unit for all slices, the scatter around the regression. A ridge regression on
the descriptors of a slice predicts one number, the logarithm of its residual energy: a heteroscedastic linear model
(Harvey, Econometrica 44, 1976), which a few hundred slices determine, whereas a spread learned by a network needs many
thousands. The modes depend on it to different degrees: the uncertainty due to a badly drawn wall depends on it
strongly, that of rotation, which no wall shows, hardly at all. Each mode therefore has its own share.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from LaMoDCore.heart.geometry import Array

#: Ridges that are tried; the last nearly switches the regression off.
RIDGES = (30.0, 100.0, 300.0, 1000.0, 3000.0, 1e9)
#: Bounds of the descriptors in standard deviations, and of the logarithm of the variance factor.
_MOST_STANDARD, _MOST_LOG_VARIANCE = 4.0, 2.0
_LEAST_SCALE, _LEAST_ENERGY = 1e-2, 1e-9
#: Shares of the slice's log energy that are tried for a mode.
_SHARES = tuple(np.linspace(0.0, 2.0, 41).round(2).tolist())


class SliceSpread(nn.Module):
    """Factors of the posterior standard deviations of a slice; buffers only, all factors are 1 before fitting.

    Args:
        count: number of descriptors.
        modes: number of modes of the motion latent.
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
        """Fit the factors, with the ridge under which validation slices are likeliest.

        Args:
            described: float32 [N, K], descriptors of the training slices.
            energy: [N, modes], squared offsets from the expected code, in units of the scatter.
            held_described, held_energy: descriptors and energy of validation slices.

        Returns:
            the ridge, and the explained share of the variance of the validation slices' log energy.
        """
        self.middle.copy_(torch.from_numpy(described.mean(axis=0)))
        self.scale.copy_(torch.from_numpy(described.std(axis=0) + _LEAST_SCALE))
        best = (RIDGES[-1], np.inf)
        for ridge in RIDGES:
            self._fit(described, energy, ridge)
            log_variance = 2 * np.log(self.factors(held_described))
            # A code's negative log-likelihood, up to constants and the number of modes.
            loss = float((log_variance + held_energy * np.exp(-log_variance)).mean())
            if loss < best[1]:
                best = (ridge, loss)
        self._fit(described, energy, best[0])
        wanted = np.log(np.maximum(held_energy.mean(axis=1), _LEAST_ENERGY))
        missed = wanted - self._log_energy(held_described)
        return best[0], float(1 - missed.var() / max(wanted.var(), 1e-12))

    def _fit(self, described: Array, energy: Array, ridge: float) -> None:
        rows = self._standard(described)
        logarithm = np.log(np.maximum(energy.mean(axis=1), _LEAST_ENERGY))
        wanted = logarithm - logarithm.mean()
        kernel = rows @ rows.T + ridge * np.eye(len(rows))
        inverse = np.linalg.inv(kernel)
        self.regression.copy_(torch.from_numpy(rows.T @ (inverse @ wanted)))
        # Leave-one-out predictions, since those of the fit itself are too close.
        left_out = wanted - (inverse @ wanted) / inverse.diagonal()
        predicted = np.clip(left_out, -_MOST_LOG_VARIANCE, _MOST_LOG_VARIANCE)
        # log σ² = offset + share · predicted, with the likeliest share per mode; each offset follows from its share.
        alive = energy.mean(axis=0) > _LEAST_ENERGY  # with fewer slices than modes, some modes are zero; factor 1
        energy = np.where(alive, energy, 1.0)
        offsets = np.stack([np.log((energy * np.exp(-share * predicted)[:, None]).mean(axis=0)) for share in _SHARES])
        losses = offsets + np.array(_SHARES)[:, None] * predicted.mean() + 1
        likeliest = losses.argmin(axis=0)
        self.share.copy_(torch.from_numpy(np.where(alive, np.array(_SHARES)[likeliest], 0.0)))
        self.offset.copy_(torch.from_numpy(np.where(alive, offsets[likeliest, np.arange(energy.shape[1])], 0.0)))

    def factors(self, described: Array) -> Array:
        """Descriptors [N, K] -> factors of the standard deviations, float64 [N, modes]."""
        share, offset = self.share.cpu().double().numpy(), self.offset.cpu().double().numpy()
        return np.asarray(np.exp(0.5 * (offset + share * self._log_energy(described)[:, None])))

    def _log_energy(self, described: Array) -> Array:
        """Predicted log energy relative to the mean, [N], bounded."""
        predicted = self._standard(described) @ self.regression.cpu().double().numpy()
        return np.asarray(np.clip(predicted, -_MOST_LOG_VARIANCE, _MOST_LOG_VARIANCE))

    def _standard(self, described: Array) -> Array:
        middle, scale = self.middle.cpu().double().numpy(), self.scale.cpu().double().numpy()
        values = np.nan_to_num((described - middle) / scale, posinf=_MOST_STANDARD, neginf=-_MOST_STANDARD)
        return np.asarray(np.clip(values, -_MOST_STANDARD, _MOST_STANDARD))

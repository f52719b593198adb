"""The best denoiser of latents that were a stationary Gaussian process, in closed form.

With z⁽⁰⁾ = μ + a process whose channels have the cross-spectrum S(f) at the Fourier bin f of the cycle and the plane,
and noise of spectrum k(f)², the conditional mean of z⁽⁰⁾ given z⁽ᵐ⁾ is, per bin, in the basis of the eigenvectors of S
with eigenvalues λ:

    μ + √ᾱ λ / (ᾱ λ + (1 − ᾱ) k²) · (z⁽ᵐ⁾ − √ᾱ μ).

It is the optimum among linear denoisers (Wiener filter) and needs no training. A trained ε_θ has to improve on it.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from LaMoDCore.networks.diffusion import SmoothNoise

_AXES = (-3, -2, -1)
#: Share of the mean variance of a bin that is added to every channel, as few slices determine a cross-spectrum.
_SHRINKAGE = 0.02
_TINY = 1e-14


class GaussianDenoiser(nn.Module):
    """Conditional mean of z⁽⁰⁾ under a stationary Gaussian process. Has buffers only, no parameters.

    Args:
        clean: training latents [S, C, T, H, W].
        noise: K of the diffusion.
    """

    mean: Tensor
    basis: Tensor
    power: Tensor
    noise_power: Tensor

    def __init__(self, clean: Tensor, noise: SmoothNoise) -> None:
        super().__init__()
        self.register_buffer("mean", clean.mean(dim=0))
        self.shape = tuple(clean.shape[-3:])
        spectrum = torch.fft.rfftn(clean - self.mean, dim=_AXES, norm="ortho").flatten(2)  # [S, C, F]
        cross = torch.einsum("scf,sdf->fcd", spectrum, spectrum.conj()) / len(clean)
        floor = torch.diagonal(cross, dim1=1, dim2=2).real.mean(dim=1) * _SHRINKAGE
        cross = cross + floor[:, None, None] * torch.eye(cross.shape[1])
        power, basis = torch.linalg.eigh(cross)
        self.register_buffer("power", power.clamp(min=0.0).T.contiguous())  # [C, F]
        self.register_buffer("basis", basis)  # [F, C, C]
        delta = torch.zeros(1, 1, *self.shape)
        delta[..., 0, 0, 0] = 1.0
        self.register_buffer("noise_power", torch.fft.rfftn(noise.smooth(delta), dim=_AXES).abs().square().flatten())

    def forward(self, noisy: Tensor, alpha_bar: Tensor) -> Tensor:
        """z⁽ᵐ⁾ [N, C, T, H, W] and ᾱ_m [N] -> the conditional mean of z⁽⁰⁾."""
        signal = alpha_bar.view(-1, 1, 1)
        root = signal.sqrt()
        offset = noisy - root[..., None, None] * self.mean
        bins = torch.fft.rfftn(offset, dim=_AXES, norm="ortho").flatten(2)
        own = torch.einsum("fcd,ncf->ndf", self.basis.conj(), bins)
        gain = root * self.power / (signal * self.power + (1 - signal) * self.noise_power + _TINY)
        bins = torch.einsum("fcd,ndf->ncf", self.basis, own * gain)
        found = torch.fft.irfftn(bins.unflatten(2, self._bins()), s=self.shape, dim=_AXES, norm="ortho")
        return torch.as_tensor(self.mean + found)

    def signal_beyond(self, alpha_bar: float) -> float:
        """Share of the latents' energy in components whose signal still exceeds the noise at a step with this ᾱ."""
        above = alpha_bar * self.power > (1 - alpha_bar) * self.noise_power
        weight = self._multiplicity()
        return float((self.power * weight * above).sum() / (self.power * weight).sum())

    def last_alpha_bar(self, share: float = 0.01) -> float:
        """The largest ᾱ at which at most `share` of the latents' energy exceeds the noise."""
        limit = (self.noise_power / self.power.clamp(min=_TINY)).expand_as(self.power).flatten()
        energy = (self.power * self._multiplicity()).flatten()
        order = torch.argsort(limit)  # components of small limits exceed the noise to the last
        left = torch.cumsum(energy[order], 0) / energy.sum()
        ratio = float(limit[order][int(torch.searchsorted(left, share))])
        return ratio / (1 + ratio)

    def _bins(self) -> tuple[int, int, int]:
        return self.shape[0], self.shape[1], self.shape[2] // 2 + 1

    def _multiplicity(self) -> Tensor:
        """How often each bin occurs in the whole spectrum, [F]."""
        columns = torch.full((self.shape[2] // 2 + 1,), 2.0)
        columns[0] = 1.0
        if self.shape[2] % 2 == 0:
            columns[-1] = 1.0
        return columns.expand(self._bins()).flatten()

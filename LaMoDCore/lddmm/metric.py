"""The fluid metric of LDDMM: L = (−αΔ − β∇div + γ)^k and its inverse K, by FFT.

Beg et al., "Computing large deformation metric mappings via geodesic flows of diffeomorphisms",
IJCV 61 (2005), eq. (8); Christensen et al., IEEE TIP 5 (1996) for the ∇div term.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor


@dataclass(frozen=True)
class FluidMetric:
    """A Sobolev metric on velocity fields in millimetres, independent of the grid.

    Derivatives are central differences of fourth order. L therefore extends over four pixels per power and keeps local
    momenta local, while a spectral L would cause ringing around every kink of v.

    Attributes:
        alpha: weight of −Δ, mm². √(α/γ) is the length over which K smooths.
        gamma: weight of the identity; > 0 makes K bounded.
        power: exponent k of the whole operator.
        beta: weight of −∇div, mm²; it penalises local changes of area.
    """

    alpha: float
    gamma: float
    power: float = 2.0
    beta: float = 0.0

    def __post_init__(self) -> None:
        if self.alpha < 0 or self.beta < 0 or self.power <= 0:
            raise ValueError(
                f"alpha and beta must not be negative and power must be positive, got "
                f"alpha={self.alpha}, beta={self.beta}, power={self.power}"
            )
        if not self.gamma > 0:
            raise ValueError(f"gamma must be positive, or K has no value at frequency zero; got {self.gamma}")

    @property
    def length_mm(self) -> float:
        """√((α + β)/γ): the range of a momentum."""
        return math.sqrt((self.alpha + self.beta) / self.gamma)

    def apply_L(self, velocity: Tensor, spacing_mm: tuple[float, float]) -> Tensor:  # noqa: N802
        """m = L v on the periodic grid.

        Args:
            velocity: [N, 2, H, W] in mm, channels (x, y).
            spacing_mm: (dx, dy).

        Returns:
            [N, 2, H, W] momentum.
        """
        return self._multiply(velocity, spacing_mm, self.power)

    def apply_K(self, momentum: Tensor, spacing_mm: tuple[float, float]) -> Tensor:  # noqa: N802
        """v = K m = L⁻¹ m on the periodic grid: [N, 2, H, W] to [N, 2, H, W] mm."""
        return self._multiply(momentum, spacing_mm, -self.power)

    def whiten(self, velocity: Tensor, spacing_mm: tuple[float, float]) -> Tensor:
        """z = √L v on the periodic grid: the Euclidean inner product of z is the metric's inner product of v."""
        return self._multiply(velocity, spacing_mm, self.power / 2)

    def colour(self, white: Tensor, spacing_mm: tuple[float, float]) -> Tensor:
        """v = √K z, the inverse of `whiten`; gradient descent in z is gradient descent in the metric."""
        return self._multiply(white, spacing_mm, -self.power / 2)

    def energy(self, velocity: Tensor, spacing_mm: tuple[float, float]) -> Tensor:
        """⟨v, L v⟩ = ∫ v·Lv dx over the periodic grid: [N, 2, H, W] to [N]."""
        dx, dy = spacing_mm
        return (velocity * self.apply_L(velocity, spacing_mm)).sum(dim=(1, 2, 3)) * (dx * dy)

    def symbol(
        self,
        shape: tuple[int, int],
        spacing_mm: tuple[float, float],
        power: float,
        like: Tensor,
    ) -> Tensor:
        """Fourier symbol of (−αΔ − β∇div + γ)^power on the half-spectrum of `rfft2`.

        Returns:
            [3, H, W // 2 + 1]: the entries xx, yy and xy of the symmetric 2×2 matrix at every frequency, with the real
            dtype and the device of ``like``.
        """
        return _symbol(self, shape, spacing_mm, power, like.dtype, like.device)

    def _multiply(self, field: Tensor, spacing_mm: tuple[float, float], power: float) -> Tensor:
        if field.ndim != 4 or field.shape[1] != 2:
            raise ValueError(f"a vector field must be [N, 2, H, W], got {tuple(field.shape)}")
        height, width = field.shape[-2:]
        symbol = self.symbol((height, width), spacing_mm, power, field)
        spectrum = apply_symbol(torch.fft.rfft2(field), symbol, coupled=self.beta > 0)
        smoothed: Tensor = torch.fft.irfft2(spectrum, s=(height, width))
        return smoothed


def apply_symbol(spectrum: Tensor, symbol: Tensor, coupled: bool) -> Tensor:
    """Multiply [N, 2, H, W//2+1] by the symmetric 2×2 matrix ``symbol`` [3, H, W//2+1] at every frequency."""
    if not coupled:
        return spectrum * symbol[:2]
    x, y = spectrum[:, 0], spectrum[:, 1]
    return torch.stack((symbol[0] * x + symbol[2] * y, symbol[2] * x + symbol[1] * y), dim=1)


@lru_cache(maxsize=64)
def _symbol(
    metric: FluidMetric,
    shape: tuple[int, int],
    spacing_mm: tuple[float, float],
    power: float,
    dtype: torch.dtype,
    device: torch.device,
) -> Tensor:
    height, width = shape
    dx, dy = spacing_mm
    # Computed once in float64, since the fourth power of the largest frequency loses digits in float32.
    kx = 2 * math.pi * torch.fft.rfftfreq(width, dtype=torch.float64)[None, :]
    ky = 2 * math.pi * torch.fft.fftfreq(height, dtype=torch.float64)[:, None]
    laplacian = _minus_second_difference(kx) / dx**2 + _minus_second_difference(ky) / dy**2
    first_x, first_y = _first_difference(kx) / dx, _first_difference(ky) / dy

    # (A + β s sᵀ)^p for a scalar A: A^p across s, (A + β|s|²)^p along s.
    across = metric.alpha * laplacian + metric.gamma
    norm = first_x**2 + first_y**2
    along = across + metric.beta * norm
    excess = (along**power - across**power) / norm.clamp_min(1e-300)
    excess = torch.where(norm > 1e-20, excess, torch.zeros_like(excess))
    plain = across**power
    entries = torch.stack((plain + excess * first_x**2, plain + excess * first_y**2, excess * first_x * first_y))
    return entries.to(device=device, dtype=dtype)


def _minus_second_difference(k: Tensor) -> Tensor:
    """Symbol of −d²/dx² by the five-point stencil (1, −16, 30, −16, 1)/12: k² + O(k⁶)."""
    bend = 1 - torch.cos(k)
    return 2 * bend + bend**2 / 3


def _first_difference(k: Tensor) -> Tensor:
    """Symbol of −i d/dx by the five-point stencil (1, −8, 0, 8, −1)/12: k + O(k⁵)."""
    return (8 * torch.sin(k) - torch.sin(2 * k)) / 6

"""Smooth periodic functions of the angle: f(θ, t) = Re Σ_k c_k(t) e^{ikθ}, with exact derivatives."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from LaMoDCore.heart.geometry import Array


@dataclass(frozen=True, eq=False)
class AngularSeries:
    """Real Fourier series over the angle, one per entry of the leading axes.

    Attributes:
        coefficients: complex [..., K + 1], harmonics 0…K.
    """

    coefficients: Array

    def __call__(self, theta: npt.ArrayLike) -> Array:
        """Values at angles [N] (radians): [..., N]."""
        angles = np.asarray(theta, dtype=np.float64)
        order = np.arange(self.coefficients.shape[-1])[:, None]
        cosine, sine = np.cos(order * angles), np.sin(order * angles)
        return np.asarray(self.coefficients.real @ cosine - self.coefficients.imag @ sine)

    @property
    def mean(self) -> Array:
        """[...]: the average over the angle."""
        return np.asarray(self.coefficients[..., 0].real)

    def derivative(self) -> AngularSeries:
        """df/dθ."""
        return AngularSeries(1j * np.arange(self.coefficients.shape[-1]) * self.coefficients)

    def without_mean(self) -> AngularSeries:
        """Each series minus its mean."""
        coefficients = self.coefficients.copy()
        coefficients[..., 0] = 0
        return AngularSeries(coefficients)

    def flattened(self, share: float) -> AngularSeries:
        """Each series with its variation about the mean multiplied by `share`."""
        coefficients = self.coefficients.copy()
        coefficients[..., 1:] *= share
        return AngularSeries(coefficients)

    def antiderivative(self) -> AngularSeries:
        """The zero-mean periodic F with dF/dθ = f − mean(f)."""
        order = np.arange(self.coefficients.shape[-1])
        scale = np.zeros(order.shape, dtype=np.complex128)
        scale[1:] = 1 / (1j * order[1:])
        return AngularSeries(self.coefficients * scale)

    def scaled(self, factor: npt.ArrayLike) -> AngularSeries:
        """Each series times ``factor`` [...]."""
        return AngularSeries(self.coefficients * np.asarray(factor)[..., None])


def from_samples(samples: npt.ArrayLike, harmonics: int, smoothing_rad: float = 0.0) -> AngularSeries:
    """The series through samples [..., S] at the angles 2πj/S, smoothed by a Gaussian in the angle.

    Args:
        samples: real values at evenly spaced angles, the first at 0.
        harmonics: the highest harmonic; must be below S / 2.
        smoothing_rad: standard deviation of the Gaussian.

    Raises:
        ValueError: too many harmonics for the samples.
    """
    values = np.asarray(samples, dtype=np.float64)
    if not 0 <= harmonics < values.shape[-1] / 2:
        raise ValueError(f"{values.shape[-1]} samples do not determine {harmonics} harmonics")
    spectrum = np.fft.rfft(values, axis=-1)[..., : harmonics + 1] / values.shape[-1]
    spectrum[..., 1:] *= 2
    order = np.arange(harmonics + 1)
    return AngularSeries(spectrum * np.exp(-0.5 * (order * smoothing_rad) ** 2))


def random_series(rng: np.random.Generator, mean: float, amplitudes: npt.ArrayLike) -> AngularSeries:
    """Draw a series with this mean and, at harmonic k = 1…K, a Rayleigh amplitude of mean ``amplitudes[k−1]``."""
    sizes = np.asarray(amplitudes, dtype=np.float64)
    normal = rng.standard_normal((2, sizes.size)) * sizes * np.sqrt(2 / np.pi)
    return AngularSeries(np.concatenate([[mean + 0j], normal[0] + 1j * normal[1]]))

"""Densities of a slice's motion given the outputs of a network: Gaussian, Student's t, mixtures of Gaussians.

A motion is a code y [N, M], its coefficients along M uncorrelated directions in units of a standard deviation. Every
density reads its parameters from a row of `outputs` numbers. The standard deviations are multiplied by `scale`, which
is fitted after the training (`calibrate`), as networks err more on slices that they have not seen.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

#: Bounds of the logarithms of standard deviations, and the scales that are tried.
_LOG_DEVIATION = (-4.0, 2.0)
_SCALES = torch.exp(torch.linspace(-0.4, 0.6, 41)).tolist()
_LOG_2_PI = math.log(2 * math.pi)


class Density(nn.Module):
    """A density of codes.

    Args:
        modes: M.
        outputs: numbers per slice that the network provides.

    Attributes:
        start: standard deviation of the initial outputs, which must differ between the components of a mixture.
    """

    start = 0.0

    def __init__(self, modes: int, outputs: int) -> None:
        super().__init__()
        self.modes, self.outputs, self.scale = modes, outputs, 1.0

    def negative_log(self, raw: Tensor, code: Tensor) -> Tensor:
        """−log p(y) [N] of codes [N, M], given outputs [N, outputs]."""
        raise NotImplementedError

    def mean(self, raw: Tensor) -> Tensor:
        """Expected codes [N, M]."""
        raise NotImplementedError

    def most_probable(self, raw: Tensor) -> Tensor | None:
        """Mean of the most probable component [N, M]; None for a density with one component."""
        return None

    def draw(self, raw: Tensor, count: int, generator: torch.Generator) -> Tensor:
        """Independent draws [count, N, M]."""
        raise NotImplementedError

    @torch.no_grad()
    def calibrate(self, raw: Tensor, code: Tensor) -> None:
        """Choose the `scale` that makes codes most likely."""

        def score(scale: float) -> float:
            self.scale = scale
            return float(self.negative_log(raw, code).mean())

        self.scale = min(_SCALES, key=score)


class FixedWidth(Density):
    """A Gaussian around the network's estimate, with one standard deviation per mode, found by `calibrate`."""

    def __init__(self, modes: int) -> None:
        super().__init__(modes, modes)
        self.register_buffer("deviation", torch.ones(modes))

    def negative_log(self, raw: Tensor, code: Tensor) -> Tensor:
        return _gaussian(code, raw, self.deviation.log().expand_as(raw))

    def mean(self, raw: Tensor) -> Tensor:
        return raw

    def draw(self, raw: Tensor, count: int, generator: torch.Generator) -> Tensor:
        return raw + self.deviation * torch.randn(count, *raw.shape, generator=generator)

    def calibrate(self, raw: Tensor, code: Tensor) -> None:
        self.deviation = (code - raw).square().mean(dim=0).sqrt()


class Gaussian(Density):
    """Independent modes with a mean and a standard deviation per slice."""

    def __init__(self, modes: int) -> None:
        super().__init__(modes, 2 * modes)

    def _parts(self, raw: Tensor) -> tuple[Tensor, Tensor]:
        mean, log_deviation = raw.chunk(2, dim=1)
        return mean, log_deviation.clamp(*_LOG_DEVIATION) + math.log(self.scale)

    def negative_log(self, raw: Tensor, code: Tensor) -> Tensor:
        return _gaussian(code, *self._parts(raw))

    def mean(self, raw: Tensor) -> Tensor:
        return self._parts(raw)[0]

    def standardised(self, raw: Tensor, code: Tensor) -> Tensor:
        """(y − mean)/deviation."""
        mean, log_deviation = self._parts(raw)
        return (code - mean) * torch.exp(-log_deviation)

    def from_standardised(self, raw: Tensor, standard: Tensor) -> Tensor:
        """The inverse of `standardised`."""
        mean, log_deviation = self._parts(raw)
        return mean + torch.exp(log_deviation) * standard

    def draw(self, raw: Tensor, count: int, generator: torch.Generator) -> Tensor:
        return self.from_standardised(raw, torch.randn(count, len(raw), self.modes, generator=generator))


class StudentT(Gaussian):
    """Independent modes with a location and a scale per slice, and learned degrees of freedom ν > 2 per mode."""

    def __init__(self, modes: int) -> None:
        super().__init__(modes)
        self.tail = nn.Parameter(torch.zeros(modes))

    @property
    def freedom(self) -> Tensor:
        """ν [M]."""
        return 2.0 + functional.softplus(4.0 + self.tail)

    def negative_log(self, raw: Tensor, code: Tensor) -> Tensor:
        location, log_scale = self._parts(raw)
        freedom = self.freedom
        constant = torch.lgamma((freedom + 1) / 2) - torch.lgamma(freedom / 2) - 0.5 * torch.log(math.pi * freedom)
        square = ((code - location) * torch.exp(-log_scale)).square()
        return ((freedom + 1) / 2 * torch.log1p(square / freedom) + log_scale - constant).sum(dim=1)

    def draw(self, raw: Tensor, count: int, generator: torch.Generator) -> Tensor:
        shape = (count, len(raw), self.modes)
        half = (self.freedom / 2).expand(shape)
        gamma = torch._standard_gamma(half, generator=generator)
        return self.from_standardised(raw, torch.randn(shape, generator=generator) * (half / gamma).sqrt())


class Mixture(Density):
    """A mixture of `components` Gaussians over the first `leading` modes; the others are Gaussian.

    Args:
        modes, leading, components: M, and the sizes above.
        own_weights: predict the weights of the components for every slice; otherwise all slices share them.
    """

    start = 0.3

    def __init__(self, modes: int, leading: int, components: int, *, own_weights: bool = True) -> None:
        outputs = 2 * (modes - leading) + 2 * components * leading + (components if own_weights else 0)
        super().__init__(modes, outputs)
        self.rest = Gaussian(modes - leading)
        self._components, self._leading, self._own_weights = components, leading, own_weights
        self.shared = nn.Parameter(torch.zeros(components))

    def _parts(self, raw: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Logarithms of the weights [N, K], means and log deviations [N, K, leading], outputs of the rest."""
        count = self._components * self._leading
        logits = raw[:, -self._components :] if self._own_weights else self.shared.expand(len(raw), -1)
        means, deviations = (
            raw[:, n * count : (n + 1) * count].view(len(raw), self._components, self._leading) for n in range(2)
        )
        self.rest.scale = self.scale
        log_deviations = deviations.clamp(*_LOG_DEVIATION) + math.log(self.scale)
        rest = raw[:, 2 * count : 2 * count + self.rest.outputs]
        return logits.log_softmax(dim=1), means, log_deviations, rest

    def negative_log(self, raw: Tensor, code: Tensor) -> Tensor:
        weights, means, deviations, rest = self._parts(raw)
        leading = _gaussian(code[:, None, : self._leading], means, deviations)
        return self.rest.negative_log(rest, code[:, self._leading :]) - torch.logsumexp(weights - leading, dim=1)

    def mean(self, raw: Tensor) -> Tensor:
        weights, means, _, rest = self._parts(raw)
        return torch.cat([(weights.exp()[..., None] * means).sum(dim=1), self.rest.mean(rest)], dim=1)

    def most_probable(self, raw: Tensor) -> Tensor:
        weights, means, _, rest = self._parts(raw)
        chosen = means[torch.arange(len(raw)), weights.argmax(dim=1)]
        return torch.cat([chosen, self.rest.mean(rest)], dim=1)

    def draw(self, raw: Tensor, count: int, generator: torch.Generator) -> Tensor:
        weights, means, deviations, rest = self._parts(raw)
        chosen = torch.multinomial(weights.exp(), count, replacement=True, generator=generator).T
        slices = torch.arange(len(raw)).expand(count, -1)
        noise = torch.randn(count, len(raw), self._leading, generator=generator)
        leading = means[slices, chosen] + torch.exp(deviations[slices, chosen]) * noise
        return torch.cat([leading, self.rest.draw(rest, count, generator)], dim=2)


def _gaussian(code: Tensor, mean: Tensor, log_deviation: Tensor) -> Tensor:
    """−log of a normal density, summed over the last axis."""
    square = ((code - mean) * torch.exp(-log_deviation)).square()
    return (0.5 * square + log_deviation + 0.5 * _LOG_2_PI).sum(dim=-1)

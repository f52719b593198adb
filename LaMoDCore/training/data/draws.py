"""Random numbers that belong to a sample rather than a process, so that they do not depend on the process count."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b

import torch
from torch import Tensor


def seed_of(*key: object) -> int:
    """A 63-bit seed determined by the key, the same in every process and on every machine."""
    digest = blake2b(repr(key).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") >> 1


class Draws:
    """The random numbers of one step over N samples, drawn on the CPU so that they are the same on every device.

    Args:
        samples: one seed per sample.
        step: seed of the random numbers that all samples of the step share.

    Attributes:
        shared: generator of the random numbers that all samples of the step share, the same in every process.
    """

    def __init__(self, samples: Iterable[int], step: int) -> None:
        self._samples = [torch.Generator().manual_seed(seed) for seed in samples]
        self.shared = torch.Generator().manual_seed(step)

    @classmethod
    def of(cls, key: tuple[object, ...], samples: Iterable[int], step: int = 0) -> Draws:
        """Draws determined by a key (seed, stage, epoch), the numbers of the samples and the number of the step."""
        return cls((seed_of(*key, "sample", int(sample)) for sample in samples), seed_of(*key, "step", step))

    def __len__(self) -> int:
        return len(self._samples)

    def uniform(self, *shape: int) -> Tensor:
        """Uniform in 0…1, [N, *shape]."""
        return torch.stack([torch.rand(shape, generator=generator) for generator in self._samples])

    def normal(self, *shape: int) -> Tensor:
        """Standard normal, [N, *shape]."""
        return torch.stack([torch.randn(shape, generator=generator) for generator in self._samples])

    def integers(self, first: int, last: int) -> Tensor:
        """Uniform among first … last, inclusive, [N]."""
        return torch.stack([torch.randint(first, last + 1, (), generator=generator) for generator in self._samples])

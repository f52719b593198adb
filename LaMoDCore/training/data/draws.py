"""Random numbers that belong to a sample, not to a process: any number of processes draws the same ones."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b

import torch
from torch import Tensor


def seed_of(*key: object) -> int:
    """A 63-bit seed that follows from the key alone, the same in every process and on every machine."""
    digest = blake2b(repr(key).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") >> 1


class Draws:
    """The random numbers of one step over N samples, drawn on the CPU so that every device gets the same.

    Args:
        samples: a seed for each sample.
        step: seed of what all samples of the step share.

    Attributes:
        shared: generator of what all samples of the step share, alike in every process.
    """

    def __init__(self, samples: Iterable[int], step: int) -> None:
        self._samples = [torch.Generator().manual_seed(seed) for seed in samples]
        self.shared = torch.Generator().manual_seed(step)

    @classmethod
    def of(cls, key: tuple[object, ...], samples: Iterable[int], step: int = 0) -> Draws:
        """Draws that follow from a key (seed, stage, epoch), the samples' numbers and the step's."""
        return cls((seed_of(*key, "sample", int(sample)) for sample in samples), seed_of(*key, "step", step))

    def __len__(self) -> int:
        return len(self._samples)

    def uniform(self, *shape: int) -> Tensor:
        """Evenly in 0…1, [N, *shape]."""
        return torch.stack([torch.rand(shape, generator=generator) for generator in self._samples])

    def normal(self, *shape: int) -> Tensor:
        """From the standard normal distribution, [N, *shape]."""
        return torch.stack([torch.randn(shape, generator=generator) for generator in self._samples])

    def integers(self, first: int, last: int) -> Tensor:
        """Evenly among first … last, both included, [N]."""
        return torch.stack([torch.randint(first, last + 1, (), generator=generator) for generator in self._samples])

"""The training stage of a contour engine: batches of random pictures, the loss and the validation."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from LaMoDCore.evaluation.overlap import dice
from LaMoDCore.training.contours.pictures import PictureSize, draw_pictures
from LaMoDCore.training.contours.scenes import CAVITY, CODES, PIXEL_MM, RIGHT, WALL
from LaMoDCore.training.loop.loop_stage import LoopStage, Optimisation, TrainedPart

#: Batches that are drawn ahead, by a second thread.
_AHEAD = 4
_VALIDATION_BATCH = 16
#: Distance of the seeds of two runs' first steps. torch's generator uses 32 bits; 2³² / golden ratio spreads them.
_SEED_DISTANCE = 0x9E3779B1


@dataclass(frozen=True)
class ContourEngineTraining:
    """Settings of the training.

    Attributes:
        pictures: number of training pictures, each drawn once.
        batch_size: pictures per step.
        validations: number of validations, evenly spaced.
        learning_rate: maximum.
        ema_decay: decay of the averaged weights.
        weight_decay: AdamW's.
        seed: random seed of the initial weights and of the pictures.
    """

    pictures: int = 110_000
    batch_size: int = 16
    validations: int = 20
    learning_rate: float = 2e-3
    ema_decay: float = 0.998
    weight_decay: float = 1e-4
    seed: int = 0

    @property
    def steps(self) -> int:
        return max(1, self.pictures // self.batch_size)


@dataclass(frozen=True, eq=False)
class SceneData:
    """Data of the training.

    Attributes:
        maps: uint8 [N, S, S], see `scenes.scene_maps`.
        pictures: validation pictures [M, 1, side, side].
        labels: their labels, int64 [M, side, side].
    """

    maps: Tensor
    pictures: Tensor
    labels: Tensor


class ContourEngineStage(LoopStage):
    """Trains a `ContourUNet`.

    Args:
        size: size of the pictures.
        config: settings.
        data: called once, when the stage begins.
    """

    name = "contours"

    def __init__(self, size: PictureSize, config: ContourEngineTraining, data: Callable[[], SceneData]) -> None:
        self.optimisation = Optimisation(config.learning_rate, config.ema_decay, warm_up=300, warm_up_share=5)
        self._size, self._config, self._make = size, config, data
        self._data: SceneData | None = None

    @property
    def data(self) -> SceneData:
        if self._data is None:
            self._data = self._make()
        return self._data

    def epoch_lengths(self) -> Sequence[int]:
        every = max(1, self._config.steps // self._config.validations)
        whole, rest = divmod(self._config.steps, every)
        return [every] * whole + [rest] * (rest > 0)

    def trained_parts(self, model: nn.Module) -> Mapping[str, TrainedPart]:
        return {"network": TrainedPart(model, self._config.weight_decay)}

    def batches(self, epoch: int, first: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Pictures and label shares; each step has a seed of its own, so that a resumed run draws the same."""
        lengths = self.epoch_lengths()
        begin = sum(lengths[:epoch])
        maps = self.data.maps
        with ThreadPoolExecutor(1) as thread:
            waiting: deque[Future[tuple[Tensor, Tensor]]] = deque()
            for step in range(begin + first, begin + lengths[epoch]):
                waiting.append(thread.submit(self._batch, maps, step))
                if len(waiting) > _AHEAD:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()

    def _batch(self, maps: Tensor, step: int) -> tuple[Tensor, Tensor]:
        generator = torch.Generator().manual_seed((self._config.seed * _SEED_DISTANCE + step) % (1 << 32))
        chosen = torch.randint(0, len(maps), (self._config.batch_size,), generator=generator)
        return draw_pictures(maps[chosen], PIXEL_MM, self._size, generator)

    def loss(self, model: nn.Module, batch: tuple[Tensor, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
        """Cross-entropy with the label shares of each pixel, plus 1 − Dice of each structure over the batch."""
        pictures, shares = batch
        logits = model(pictures.contiguous(memory_format=torch.channels_last)).float()
        entropy = -(shares * functional.log_softmax(logits, dim=1)).sum(dim=1).mean()
        probability = logits.softmax(dim=1)[:, 1:]
        wanted = shares[:, 1:]
        common = (probability * wanted).sum(dim=(0, 2, 3))
        total = (probability + wanted).sum(dim=(0, 2, 3))
        overlap = ((2 * common + 1.0) / (total + 1.0)).mean()
        return entropy + 0.5 * (1 - overlap), {"entropy": entropy, "overlap": overlap}

    @torch.no_grad()
    def validate(self, model: nn.Module) -> dict[str, float]:
        """Mean Dice of each structure over the validation pictures, and as loss 1 − the mean of wall and cavity."""
        parts = torch.split(self.data.pictures, _VALIDATION_BATCH)
        found = torch.cat([model(part).argmax(dim=1) for part in parts]).numpy()
        known = self.data.labels.numpy()
        mean = [float(np.mean([dice(a == k, b == k) for a, b in zip(found, known, strict=True)])) for k in range(CODES)]
        return {
            "loss": 1 - 0.5 * (mean[WALL] + mean[CAVITY]),
            "right_ventricle": mean[RIGHT],
            "wall": mean[WALL],
            "cavity": mean[CAVITY],
        }

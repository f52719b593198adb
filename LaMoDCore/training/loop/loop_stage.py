"""The interface of a training stage: batches, a loss, a validation, and the state of its random numbers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn


@dataclass(frozen=True)
class Optimisation:
    """Settings of the optimiser and of the averaged weights in one stage.

    Attributes:
        learning_rate: maximum; it warms up and decays to zero along a cosine over the stage.
        ema_decay: decay of the averaged weights, see `averaging.Follower`.
        betas: decay of AdamW's two moments.
        largest_gradient: norm to which the gradient is clipped.
        warm_up, warm_up_share: see `learning_rate_share`.
        constant_rate: keep the maximum learning rate from the first to the last step.
        decoupled_decay: AdamW; otherwise Adam, whose weight decay is part of the gradient (λ‖θ‖²/2 of the loss).
    """

    learning_rate: float
    ema_decay: float
    betas: tuple[float, float] = (0.9, 0.999)
    largest_gradient: float = 1.0
    warm_up: int = 100
    warm_up_share: int = 10
    constant_rate: bool = False
    decoupled_decay: bool = True


@dataclass(frozen=True, eq=False)
class TrainedPart:
    """A module that learns in a stage.

    Attributes:
        module: the part of the model.
        weight_decay: decoupled weight decay (AdamW), or that of Adam, see `Optimisation`.
    """

    module: nn.Module
    weight_decay: float


class LoopStage(ABC):
    """One stage of a training, as `fit` runs it.

    An epoch is the interval between two lines of the log; the stage chooses its number of steps. The averaged weights
    of the best validated epoch are handed on to the next stage.

    Attributes:
        name: name in checkpoints and logs.
        optimisation: settings of its optimiser.
        validation_interval: epochs from one validation to the next; the last epoch is always validated.
        scores_start: whether the weights at the start are validated too and kept if no epoch is better.
        epoch_checkpoints: whether a checkpoint is written after every validated epoch. Stages of many short epochs
            write one after `checkpoint_minutes`, on a stop and at their end only.
        one_thread: whether its steps are computed by one thread: operations on small matrices are not faster with
            several, which wait for each other in busy loops and take many times as long on a machine that is not idle.
    """

    name: str
    optimisation: Optimisation
    validation_interval: int = 1
    scores_start: bool = False
    epoch_checkpoints: bool = True
    one_thread: bool = False

    @abstractmethod
    def epoch_lengths(self) -> Sequence[int]:
        """Number of steps of every epoch, known before the stage begins."""

    @abstractmethod
    def trained_parts(self, model: Any) -> Mapping[str, TrainedPart]:
        """The parts of the model that learn, by name."""

    def open(self, model: Any, *, resumed: bool) -> None:  # noqa: B027 - a hook
        """Prepare the stage's data; called once in every process that runs the stage, before its first step.

        Args:
            model: the averaged model, in evaluation mode. It may be changed unless the stage is resumed.
            resumed: whether the weights come from a checkpoint within the stage.
        """

    @abstractmethod
    def batches(self, epoch: int, first: int) -> Iterator[Any]:
        """Yield the inputs of `loss` for the steps of an epoch, starting at `first`."""

    def seed_step(self, step: int) -> None:  # noqa: B027 - a hook
        """Seed torch's generator (dropout) before a step, counted from the start of the stage."""

    @abstractmethod
    def loss(self, model: Any, batch: Any) -> tuple[Tensor, dict[str, Tensor]]:
        """The loss, and further values for the log."""

    @abstractmethod
    def validate(self, model: Any) -> dict[str, float]:
        """Mean loss and further values on validation data; empty without any."""

    def score(self, measured: Mapping[str, float]) -> float:
        """The number by which the best epoch is chosen; lower is better."""
        return measured["loss"]

    def close(self, model: Any) -> None:  # noqa: B027 - a hook
        """Called with the averaged model of the best epoch, which may be changed, after the stage's last step."""

    def random_state(self) -> dict[str, Tensor]:
        """State of the stage's random numbers for a checkpoint; empty where they follow from the step alone."""
        return {}

    def restore_random_state(self, state: Mapping[str, Tensor]) -> None:  # noqa: B027 - a hook
        """Continue with the random numbers of a checkpoint; called after `open`."""

"""The stages of a training, in their order."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches

from torch import nn

from LaMoDCore.runtime.errors import LaMoDInputError
from LaMoDCore.training.loop.paper_stages import PaperDiffusionStage, PaperMotionStage, PaperRegistrationStage
from LaMoDCore.training.loop.stages import JointStage, MotionStage, RegistrationStage, Stage
from LaMoDCore.training.run.settings import TrainingConfig


def stages_of(config: TrainingConfig) -> list[tuple[Stage, int]]:
    """Every stage with its epochs, in order; a stage of no epochs is not run.

    A new stage is a class that implements `Stage`, a line here, and its epochs in `TrainingConfig`.
    """
    if config.model.architecture == "paper":
        return [
            (PaperRegistrationStage(config), config.registration_epochs),
            (PaperDiffusionStage(config), config.diffusion_epochs),
            (PaperMotionStage(config), config.motion_epochs),
        ]
    return [
        (RegistrationStage(config), config.registration_epochs),
        (MotionStage(config), config.motion_epochs),
        (JointStage(config), config.joint_epochs),
    ]


def check_frozen(config: TrainingConfig, stages: Sequence[tuple[Stage, int]], model: nn.Module) -> None:
    """Raises LaMoDInputError if `freeze` names a part that no stage trains."""
    known = {name for stage, _ in stages for name in stage.trained_parts(model)}
    for name in config.freeze:
        if name not in known:
            near = get_close_matches(name, known, n=1)
            hint = f"did you mean {near[0]!r}? " if near else ""
            raise LaMoDInputError(
                f"freeze {name!r}", "there is no such part", f"{hint}choose from {', '.join(sorted(known))}"
            )

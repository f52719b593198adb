"""Train one stage of the posterior without a run folder."""

from __future__ import annotations

import torch
from torch import nn

from LaMoDCore.training.loop.engine import make_fabric
from LaMoDCore.training.loop.fit import BestEpoch, fit
from LaMoDCore.training.loop.loop_stage import LoopStage
from LaMoDCore.training.run.folder import unrecorded


def train_stage(parts: dict[str, nn.Module], stage: LoopStage) -> BestEpoch:
    """Train parts of a model, by name, in place; they get the averaged weights of the best epoch."""
    model = nn.ModuleDict(parts)
    fabric = make_fabric(torch.device("cpu"), bf16=False)
    average, best = fit(model, [stage], unrecorded(), fabric, identity={})
    model.load_state_dict(average.state_dict())
    model.eval()
    return best[stage.name]

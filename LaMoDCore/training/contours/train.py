"""Train a contour engine on synthetic scenes and write it as an engine folder."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

import torch

from LaMoDCore.contours.automatic.engine import ENGINE_FILE, EngineDescription, read_engine
from LaMoDCore.networks.contour_unet import ContourUNet
from LaMoDCore.runtime.errors import LaMoDInputError
from LaMoDCore.runtime.output.new_folder import check_new_folder, new_folder
from LaMoDCore.runtime.progress import SILENT, Parts, Progress
from LaMoDCore.training.contours.export import write_engine
from LaMoDCore.training.contours.pictures import PictureSize
from LaMoDCore.training.contours.scenes import scene_maps
from LaMoDCore.training.contours.stage import ContourEngineStage, ContourEngineTraining, SceneData
from LaMoDCore.training.contours.validation import validation_pictures
from LaMoDCore.training.loop.engine import make_fabric
from LaMoDCore.training.loop.fit import BestEpoch, fit
from LaMoDCore.training.run.folder import (
    FORMAT,
    PreparationProgress,
    RunFolder,
    reported_disk_faults,
    software_versions,
)
from LaMoDCore.training.run.stopping import StopRequest

_CONTENTS, _COMMAND = "a LaMoD contour engine", "lamod train-contours"


@dataclass(frozen=True)
class ContourEngineConfig:
    """Settings of a contour engine and its training.

    Attributes:
        widths: channels of the levels of the network.
        size: size of the network's input.
        training: the optimisation.
        subjects: synthetic subjects whose scenes are drawn.
        validation_subjects: other subjects for validation.
        bf16: compute in bfloat16 where the processor does so natively.
    """

    widths: tuple[int, ...] = (48, 80, 128, 192)
    size: PictureSize = field(default_factory=PictureSize)
    training: ContourEngineTraining = field(default_factory=ContourEngineTraining)
    subjects: int = 600
    validation_subjects: int = 8
    bf16: bool = True


def train_contours(
    folder: Path,
    config: ContourEngineConfig,
    *,
    run: Path,
    name: str = "",
    resume: bool = False,
    stop: StopRequest | None = None,
    workers: int = 1,
    threads: int = 1,
    progress: Progress = SILENT,
) -> EngineDescription:
    """Train a contour engine.

    With the same settings, number of threads, processor and versions of the packages, the weights are the same.

    Args:
        folder: the engine folder to write.
        config: settings.
        run: folder of the run (status, log, checkpoint).
        name: name of the engine; by default that of the folder.
        resume: continue from the run's checkpoint, if there is one; the scenes are drawn again.
        stop: checked after every step and for every subject that is drawn.
        workers: number of processes that draw the scenes.
        threads: threads of the network; one more thread draws the pictures.
        progress: updated for every subject and step.

    Returns:
        the description of the engine.

    Raises:
        TrainingStopped: `stop` was requested.
        LaMoDInputError: `folder` cannot be written, another process trains in the run folder, the checkpoint belongs
            to another run, ...
    """
    check_new_folder(folder, _CONTENTS)
    fabric = make_fabric(torch.device("cpu"), bf16=config.bf16)
    if fabric.world_size > 1:
        raise LaMoDInputError(_COMMAND, "it trains in one process", "start it without torchrun or srun")
    stop = StopRequest() if stop is None else stop
    followed = RunFolder(run)
    identity = {"config": asdict(config), "data": "synthetic scenes", "start": ""}
    with _threads(threads), followed.opened(), reported_disk_faults(run.name):
        followed.write("run.json", {"format": FORMAT, "versions": software_versions(), "data": "synthetic scenes"})
        parts = Parts(progress, {"scenes": 1, "training": 9})
        preparing = PreparationProgress(parts.part("scenes"), followed, stop)
        stage = ContourEngineStage(config.size, config.training, lambda: _scenes(config, workers, preparing))
        torch.manual_seed(config.training.seed)
        network = ContourUNet(config.widths)
        network, best = fit(
            network,
            [stage],
            followed,
            fabric,
            identity=identity,
            resume=resume,
            stop=stop,
            progress=parts.part("training"),
        )
        with new_folder(folder, _CONTENTS, _COMMAND) as fresh:
            write_engine(fresh, network, config.size, name or folder.name, _description(config, best[stage.name]))
        followed.status("finished", "the engine is complete", model=str(folder), fraction=1.0, seconds_left=0)
    return read_engine(folder / ENGINE_FILE)


def _scenes(config: ContourEngineConfig, workers: int, progress: Progress) -> SceneData:
    seed = config.training.seed
    pictures, labels = validation_pictures(config.validation_subjects, seed, config.size)
    maps = scene_maps(config.subjects, seed, workers=workers, progress=progress)
    return SceneData(torch.from_numpy(maps), pictures, labels)


def _description(config: ContourEngineConfig, best: BestEpoch) -> str:
    training = config.training
    return (
        f"seed {training.seed}, {training.steps * training.batch_size} pictures, {config.subjects} synthetic subjects; "
        f"Dice on simulated cines of other subjects: wall {best.validation['wall']:.3f}, "
        f"cavity {best.validation['cavity']:.3f}"
    )


@contextmanager
def _threads(count: int) -> Iterator[None]:
    """torch with this many threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)

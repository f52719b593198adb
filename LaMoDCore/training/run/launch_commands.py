"""The commands that start one and the same run: here, on several GPUs, or on a cluster."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, replace
from pathlib import Path


@dataclass(frozen=True)
class Launch:
    """A training run, as `lamod train` is told of it.

    Attributes:
        data: dataset folder.
        run: the run's folder.
        preset: name of settings, "" where `config` or the run's own are meant.
        config: file of settings, or None.
        init: model to start from, or "".
        resume: go on from the run's checkpoint.
        device: auto, cpu, cuda or mps.
    """

    data: Path
    run: Path
    preset: str = ""
    config: Path | None = None
    init: str = ""
    resume: bool = False
    device: str = "auto"

    def arguments(self) -> list[str]:
        """Behind `lamod`."""
        words = ["train", "--data", str(self.data), "--out", str(self.run)]
        if self.preset:
            words += ["--preset", self.preset]
        if self.config is not None:
            words += ["--config", str(self.config)]
        if self.init:
            words += ["--init", self.init]
        if self.device != "auto":
            words += ["--device", self.device]
        return [*words, "--resume"] if self.resume else words


def local_command(launch: Launch, python: str = "python") -> list[str]:
    """One process on this machine."""
    return [python, "-m", "LaMoDCore", *launch.arguments(), "--progress", "none"]


def torchrun_command(launch: Launch, processes: int, machines: int = 1) -> str:
    """Several processes that share every batch, one a GPU; on several machines, to be started on each of them.

    Raises:
        ValueError: no process, or no machine.
    """
    _check(processes, machines)
    words = ["torchrun", "--nproc_per_node", str(processes)]
    if machines > 1:
        words += ["--nnodes", str(machines), "--rdzv_backend", "c10d", "--rdzv_endpoint", "FIRST_MACHINE:29500"]
    return shlex.join([*words, "-m", "LaMoDCore", *launch.arguments()])


def slurm_script(launch: Launch, processes: int, machines: int = 1, hours: int = 24) -> str:
    """A batch file for `sbatch`; the same file submitted again goes on with the run.

    Args:
        launch: the run.
        processes: a machine, one a GPU.
        machines: how many.
        hours: after which SLURM ends the job. It is asked to stop two minutes before, and writes a checkpoint.

    Raises:
        ValueError: no process, no machine, or no time.
    """
    _check(processes, machines)
    if hours < 1:
        raise ValueError(f"hours is {hours}, it must be at least 1")
    lines = [
        "#!/bin/bash",
        f"#SBATCH --job-name={_job_name(launch.run.name)}",
        f"#SBATCH --nodes={machines}",
        f"#SBATCH --ntasks-per-node={processes}",
        "#SBATCH --gpus-per-task=1",
        f"#SBATCH --time={hours}:00:00",
        "#SBATCH --signal=TERM@120",
        "",
        f"RUN={shlex.quote(str(launch.run))}",
        'if [ -f "$RUN/checkpoint.safetensors" ]; then',
        f"    srun lamod {shlex.join(_resumed(launch).arguments())}",
        "else",
        f"    srun lamod {shlex.join(launch.arguments())}",
        "fi",
    ]
    return "\n".join(lines) + "\n"


def _resumed(launch: Launch) -> Launch:
    return replace(launch, preset="", config=None, resume=True)


def _job_name(name: str) -> str:
    return "".join(c if c.isalnum() or c in "._-" else "-" for c in name) or "lamod"


def _check(processes: int, machines: int) -> None:
    if processes < 1 or machines < 1:
        raise ValueError(f"{processes} processes on {machines} machines cannot train: give at least one of each")

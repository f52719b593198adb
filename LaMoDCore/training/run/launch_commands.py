"""Commands that start the same run on this machine, on several GPUs, or on a cluster."""

from __future__ import annotations

import os
import shlex
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path

from LaMoDCore.models.run_folder import CHECKPOINT


@dataclass(frozen=True)
class Launch:
    """Arguments of `lamod train`.

    Attributes:
        data: dataset folder.
        run: run folder.
        preset: name of the settings, "" to use `config` or the run's own settings.
        config: file of settings, or None.
        init: model to start from, or "".
        resume: continue from the run's checkpoint.
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
        """The words after `lamod`."""
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
    """Command for one process on this machine."""
    return [python, "-m", "LaMoDCore", *launch.arguments(), "--progress", "none"]


def command_line(words: list[str]) -> str:
    """The words as one line for the terminal of this system; its shells quote differently."""
    return subprocess.list2cmdline(words) if os.name == "nt" else shlex.join(words)


def torchrun_command(launch: Launch, processes: int, machines: int = 1) -> str:
    """Command for several processes that share every batch, one per GPU; it must be run on each machine.

    Raises:
        ValueError: the number of processes or machines is less than 1.
    """
    _check(processes, machines)
    words = ["torchrun", "--nproc_per_node", str(processes)]
    if machines > 1:
        words += ["--nnodes", str(machines), "--rdzv_backend", "c10d", "--rdzv_endpoint", "FIRST_MACHINE:29500"]
    return command_line([*words, "-m", "LaMoDCore", *launch.arguments()])


def slurm_script(launch: Launch, processes: int, machines: int = 1, hours: int = 24) -> str:
    """Batch file for `sbatch`; submitted again, it resumes the run.

    Args:
        launch: the run.
        processes: number of processes per machine, one per GPU.
        machines: number of machines.
        hours: time limit of the job. It is asked to stop two minutes earlier and writes a checkpoint.

    Raises:
        ValueError: the number of processes, machines or hours is less than 1.
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
        f'if [ -f "$RUN/{CHECKPOINT}" ]; then',
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
        raise ValueError(f"processes is {processes} and machines is {machines}, both must be at least one")

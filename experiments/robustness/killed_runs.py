"""Compare trainings that are killed repeatedly at random moments with an uninterrupted one.

    python -m experiments.robustness.killed_runs --kills 10

Every process is ended by SIGKILL and the next one resumes: one in four while it starts and prepares the data, the
others at a random moment after a random number of steps. Moments are measured in CPU time, so that they are the same on
a slow or busy machine (Linux only). When a run finishes, another one follows until the number of kills is reached.
After every kill each file in the run's folder must be complete; at the end the weights and the log must equal those of
the uninterrupted run.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from safetensors import safe_open

from experiments.paths import ROOT


@dataclass(frozen=True)
class Outcome:
    """Result of killing and resuming runs.

    Attributes:
        kills: number of killed processes.
        states: message of status.json at each kill.
        runs: number of runs.
        faults: incomplete files, and runs whose result differs from the uninterrupted one.
    """

    kills: int
    states: tuple[str, ...]
    runs: int
    faults: tuple[str, ...]


def command(data: Path, run: Path, config: Path, *, resume: bool) -> list[str]:
    """Command line of `lamod train`."""
    words = [sys.executable, "-m", "LaMoDCore", "train", "--data", str(data), "--out", str(run), "--device", "cpu"]
    return [*words, "--progress", "none", *(["--resume"] if resume else ["--config", str(config)])]


def environment() -> dict[str, str]:
    # one thread makes a run reproducible byte for byte
    return {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}


def train(data: Path, run: Path, config: Path) -> float:
    """Train without interruption and return the CPU seconds."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command(data, run, config, resume=False), env=environment(), check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def kill_repeatedly(
    data: Path, uninterrupted: Path, folder: Path, config: Path, *, kills: int, seconds: float, seed: int = 0
) -> Outcome:
    """Kill trainings, resume them, and compare their results.

    Args:
        data: dataset.
        uninterrupted: folder of the finished run to compare with.
        folder: parent folder of the runs.
        config: settings of the runs.
        kills: number of kills.
        seconds: approximate CPU time of an uninterrupted run.
        seed: random seed of the moments.
    """
    moments = random.Random(seed)
    states: list[str] = []
    faults: list[str] = []
    number = 0
    while len(states) < kills:
        number += 1
        run = folder / f"run-{number}"
        while True:
            words = command(data, run, config, resume=(run / "config.json").is_file())
            with subprocess.Popen(words, env=environment(), stdout=subprocess.DEVNULL) as process:
                if len(states) < kills:
                    _wait_for_moment(process, run, moments, seconds)
                    if process.poll() is None:
                        os.kill(process.pid, signal.SIGKILL)
            faults += [f"run {number}, after {len(states)} kills: {fault}" for fault in incomplete_files(run)]
            if process.returncode == 0:
                break
            if process.returncode != -signal.SIGKILL:
                faults.append(f"run {number} ended by itself with exit code {process.returncode}")
                return Outcome(len(states), tuple(states), number, tuple(faults))
            states.append(_state(run))
            print(f"kill {len(states)}, run {number}: {states[-1]}", flush=True)
        if outcome(run) != outcome(uninterrupted):
            faults.append(f"run {number} differs from the uninterrupted one")
    return Outcome(len(states), tuple(states), number, tuple(faults))


def _wait_for_moment(process: subprocess.Popen[bytes], run: Path, moments: random.Random, seconds: float) -> None:
    """Wait until the random moment of the kill, or until the process has ended."""
    steps = moments.choice((0, 1, 2, 3))
    if steps:
        wanted = _lines(run) + steps
        while process.poll() is None and _lines(run) < wanted:
            time.sleep(0.01)
    wanted_work = _work(process) + moments.uniform(0, 0.03 * seconds if steps else 0.5 * seconds)
    while process.poll() is None and _work(process) < wanted_work:
        time.sleep(0.01)


def _work(process: subprocess.Popen[bytes]) -> float:
    """CPU seconds of a process; 0 after it has been waited for."""
    try:
        fields = Path(f"/proc/{process.pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except OSError:
        return 0.0
    user, system = fields[11:13]  # proc(5): the 14th and 15th of all
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def _lines(run: Path) -> int:
    try:
        return (run / "log.jsonl").read_bytes().count(b"\n")
    except OSError:
        return 0


def incomplete_files(run: Path) -> Iterator[str]:
    """Names of a run's incomplete files; temporary files do not count."""
    for file in sorted(run.rglob("*")):
        if not file.is_file() or any(part.startswith(".") for part in file.relative_to(run).parts):
            continue
        try:
            if file.suffix == ".json":
                json.loads(file.read_text(encoding="utf-8"))
            elif file.suffix == ".jsonl":
                for line in file.read_text(encoding="utf-8").splitlines():
                    json.loads(line)
            elif file.suffix == ".safetensors":
                with safe_open(str(file), framework="numpy") as content:
                    list(content.keys())
        except Exception as error:  # whatever a reader says of it
            yield f"{file.relative_to(run)} ({error})"


def outcome(run: Path) -> tuple[str, list[dict[str, object]]]:
    """Hash of the weights, and the log without its clock."""
    digest = hashlib.sha256((run / "model" / "weights.safetensors").read_bytes()).hexdigest()
    lines = [json.loads(line) for line in (run / "log.jsonl").read_text(encoding="utf-8").splitlines()]
    return digest, [{key: value for key, value in line.items() if key != "seconds"} for line in lines]


def _state(run: Path) -> str:
    try:
        status = json.loads((run / "status.json").read_text(encoding="utf-8"))
    except OSError:
        return "before its first output"
    return f"{status.get('message', '')} ({_lines(run)} lines of log)"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        home = Path(temporary)
        words = [sys.executable, "-m", "LaMoDCore", "phantom", "--out", str(home / "hearts"), "--count", "3"]
        subprocess.run(
            [*words, "--seed", "5", "--no-report", "--workers", "1", "--progress", "none"],
            env=environment(),
            check=True,
        )
        from LaMoDCore.training.run.settings import PRESETS

        settings = {**PRESETS["smoke"].to_dict(), "checkpoint_minutes": 0.0}
        (home / "smoke.json").write_text(json.dumps(settings), encoding="utf-8")
        seconds = train(home / "hearts", home / "uninterrupted", home / "smoke.json")
        found = kill_repeatedly(
            home / "hearts",
            home / "uninterrupted",
            home,
            home / "smoke.json",
            kills=arguments.kills,
            seconds=seconds,
            seed=arguments.seed,
        )
    print(f"uninterrupted run: {seconds:.0f} CPU seconds; {found.kills} kills over {found.runs} runs")
    print("\n".join(found.faults) or "every run ended as the uninterrupted one; every file was complete")
    return 1 if found.faults else 0


if __name__ == "__main__":
    raise SystemExit(main())

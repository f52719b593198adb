"""All experiments that benefit from a GPU, in one command that is repeated until everything is done.

    python -m experiments.training.gpu_session --work runs/gpu --out OUT [--minutes 9] [--minutes-each 4]
        [--subjects 450] [--config FILE] [--model-init MODEL] [--leave-out lddmm] [--size reduced]
        [--only STEP …] [--toy]

Steps: a synthetic cohort; LaMoD's registration, motion and generative stages at full size; every learned baseline at
full size with the same data, augmentation, model selection and time; the comparison of all methods on the frozen test
cohort; latency and throughput. Needs no network. A call works for --minutes, stops its step with a checkpoint and ends;
the next call resumes. After every call OUT holds the current results: at most 8 files of at most 16 MiB.

The number of epochs that fit --minutes-each is measured first, so that the learning rate decays to zero in time. On a
CPU, use --size reduced with --only plan --only lamod --only strainnet …: reduced networks, each for the same time.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import statistics
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from experiments.paths import ROOT
from LaMoDCore.baselines import ARCHITECTURES, BaselineModel, baseline_config
from LaMoDCore.models.folder import load_model
from LaMoDCore.networks.lamod import LaMoDModel
from LaMoDCore.training.data.augmentation import augment
from LaMoDCore.training.data.cache import TrainingCache, open_cache, open_finished_cache
from LaMoDCore.training.data.draws import Draws
from LaMoDCore.training.data.loading import load_batch
from LaMoDCore.training.loop.engine import computes_in_bfloat16
from LaMoDCore.training.loop.stages import Stage
from LaMoDCore.training.networks.baseline import BaselineStage
from LaMoDCore.training.networks.stage_plan import stages_of
from LaMoDCore.training.run.settings import PRESETS, TrainingConfig, read_config

_LAMOD = [sys.executable, "-m", "LaMoDCore"]
_LARGEST_FILE, _MOST_FILES = 16 * 2**20, 8
#: Shares of LaMoD's time by stage, in the recipe's order.
_SHARES = {"registration": 0.1, "motion": 0.7, "joint": 0.2}
#: Share of a training's time that its steps may take; the rest is for validation and writing.
_RESERVE = 0.9


class OutOfTime(Exception):  # noqa: N818 - not an error but the end of a call
    """The call's time is up; the next call resumes the step."""


@dataclass
class Session:
    """One call.

    Attributes:
        args: command line arguments.
        ends: end of this call on the monotonic clock.
    """

    args: argparse.Namespace
    ends: float

    @property
    def work(self) -> Path:
        return Path(self.args.work)

    @property
    def device(self) -> torch.device:
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")

    @property
    def left(self) -> float:
        return self.ends - time.monotonic()

    def command(self, words: list[str], log: str) -> None:
        """Run a command until it is done or the time is up; its output goes to its own log file."""
        if self.left < 20:
            raise OutOfTime
        file = self.work / "logs" / f"{log}.txt"
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("a", encoding="utf-8") as stream:
            process = subprocess.Popen(words, stdout=stream, stderr=stream, env={**os.environ, "PYTHONPATH": str(ROOT)})
            try:
                code = process.wait(timeout=self.left - 15)
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGTERM)
                try:
                    process.wait(timeout=12)
                except subprocess.TimeoutExpired:
                    process.kill()
                raise OutOfTime from None
        if code:
            tail = "\n".join(file.read_text(encoding="utf-8").splitlines()[-8:])
            raise SystemExit(f"{log} failed with {code}:\n{tail}")

    def cache(self) -> TrainingCache:
        return open_finished_cache(self.work / "cache", in_memory=self.device.type == "cuda")

    def config(self) -> TrainingConfig:
        if self.args.config:
            return read_config(self.args.config)
        return replace(PRESETS["smoke"], batch_size=2) if self.args.toy else replace(PRESETS["laptop"], batch_size=16)


def generate_cohort(session: Session) -> None:
    words = [*_LAMOD, "phantom", "--out", str(session.work / "hearts"), "--count", str(session.args.subjects)]
    words += ["--split", "0.5,0.5,0", "--sites", "1"] if session.args.toy else ["--split", "0.92,0.08,0"]
    words += ["--seed", "2002", "--resume"]
    session.command([*words, "--no-report", "--progress", "none", "--workers", str(_workers())], "cohort")


def prepare_cache(session: Session) -> None:
    open_cache(session.work / "hearts", session.work / "cache", workers=_workers())


def plan(session: Session) -> None:
    """Choose the epochs of every training from the measured time of its steps."""
    config, cache = session.config(), session.cache()
    found: dict[str, Any] = {"device": _device_name(session.device), "seconds_per_step": {}}
    epochs = {}
    for stage, _ in stages_of(config):
        share = _SHARES.get(stage.name, 0.0)
        if share:
            model = LaMoDModel(config.model)
            seconds = _seconds_per_step(stage, model, config, cache, session.device)
            found["seconds_per_step"][f"lamod {stage.name}"] = seconds
            epochs[f"{stage.name}_epochs"] = _epochs(session, stage, config, cache, seconds, share)
    found["lamod"] = replace(config, **epochs).to_dict()
    for name in ARCHITECTURES:
        stage = BaselineStage(config)
        baseline = BaselineModel(baseline_config(name, _size(session)))
        seconds = _seconds_per_step(stage, baseline, config, cache, session.device)
        found["seconds_per_step"][name] = seconds
        count = _epochs(session, stage, config, cache, seconds, 1.0)
        found[name] = replace(config, registration_epochs=0, motion_epochs=count, joint_epochs=0).to_dict()
        del baseline
    _write(session.work / "plan.json", found)


def _epochs(
    session: Session, stage: Stage, config: TrainingConfig, cache: TrainingCache, seconds: float, share: float
) -> int:
    steps = max(1, len(cache.indices("train", with_motion=stage.needs_motion)) // config.batch_size)
    return max(1, int(60 * session.args.minutes_each * _RESERVE * share / (steps * seconds)))


def _seconds_per_step(
    stage: Stage, model: torch.nn.Module, config: TrainingConfig, cache: TrainingCache, device: torch.device
) -> float:
    model = model.to(device).train()
    indices = cache.indices("train", with_motion=True)[: config.batch_size]
    bf16 = config.bf16 and computes_in_bfloat16(device)
    times = []
    for number in range(3 if device.type == "cpu" else 8):
        began = time.perf_counter()
        draws = Draws.of((number,), indices)
        batch = augment(load_batch(cache, indices, device), config.augmentation, draws)
        with torch.autocast(device.type, torch.bfloat16, enabled=bf16):
            loss, _ = stage.loss(model, batch, draws)
        loss.backward()
        _finish(device)
        times.append(time.perf_counter() - began)
    return statistics.median(times[len(times) // 2 :])


def train_lamod(session: Session) -> None:
    _train(session, "lamod", [] if not session.args.model_init else ["--init", session.args.model_init])


def train_posterior(session: Session) -> None:
    words = [*_LAMOD, "train-posterior", "--model", str(session.work / "lamod" / "model"), "--name", "lamod-gpu"]
    words += ["--data", str(session.work / "hearts"), "--cache", str(session.work / "cache")]
    words += ["--slices", "4", "--cases", "2", "--epochs", "1", "--samples", "2"] if session.args.toy else []
    session.command([*words, "--out", str(session.work / "model"), "--progress", "none"], "posterior")


def train_baseline(name: str) -> Callable[[Session], None]:
    return lambda session: _train(session, name, ["--baseline", name, "--size", _size(session)])


def _train(session: Session, name: str, further: list[str]) -> None:
    config = session.work / f"{name}.json"
    _write(config, json.loads((session.work / "plan.json").read_text(encoding="utf-8"))[name])
    words = [*_LAMOD, "train", "--data", str(session.work / "hearts"), "--cache", str(session.work / "cache")]
    words += ["--out", str(session.work / name), "--config", str(config), "--resume", "--progress", "none"]
    session.command([*words, *further], name)


def evaluate(session: Session) -> None:
    model = session.work / "model" if (session.work / "model").is_dir() else session.work / "lamod" / "model"
    trained = {name: session.work / name / "model" for name in ARCHITECTURES}
    if session.args.toy:
        methods = ",".join(["zero", *(str(folder) for folder in trained.values()), str(model)])
        words = [*_LAMOD, "evaluate", "--data", str(session.work / "hearts"), "--split", "val", "--limit", "2"]
        words += ["--models", methods, "--out", str(session.work / "evaluation"), "--no-figures", "--progress", "none"]
    else:
        words = [sys.executable, "-m", "experiments.evaluation.full_evaluation"]
        words += ["--out", str(session.work / "evaluation")]
        words += ["--model", str(model), "--device", session.device.type, "--workers", str(_workers())]
        for name, folder in trained.items():
            words += ["--baseline", f"{name}={folder}"]
        for name in session.args.leave_out:
            words += ["--leave-out", name]
    session.command(words, "evaluation")


def measure_speed(session: Session) -> None:
    """Latency of one slice and throughput in batches, from masks to displacement on the device."""
    rows = []
    for name in ("lamod", *ARCHITECTURES):
        network = load_model(session.work / name / "model", session.device).network

        def forward(masks: torch.Tensor, network: Any = network) -> torch.Tensor:
            if isinstance(network, BaselineModel):
                return network.displacement(masks)
            return network.decode(network.normalise(network.encode(masks)))

        row: dict[str, Any] = {"method": name, "parameters": sum(p.numel() for p in network.parameters())}
        for batch in (1, 2 if session.args.toy else 32):
            masks = torch.rand(batch, 1, 40, 128, 128, device=session.device)
            seconds = _best_seconds(lambda masks=masks: forward(masks), session.device)
            row |= {"latency_ms": 1000 * seconds} if batch == 1 else {"slices_per_second": batch / seconds}
        if session.device.type == "cuda":
            row["peak_mib"] = torch.cuda.max_memory_allocated() / 2**20
            torch.cuda.reset_peak_memory_stats()
        rows.append(row)
    _write(session.work / "speed.json", {"device": _device_name(session.device), "rows": rows})


@torch.inference_mode()
def _best_seconds(work: Callable[[], object], device: torch.device) -> float:
    times = []
    for _ in range(3 if device.type == "cpu" else 30):
        began = time.perf_counter()
        work()
        _finish(device)
        times.append(time.perf_counter() - began)
    return min(times)


def pack(session: Session) -> None:
    """Pack the current results into few small files; list those that are too large."""
    out, work = Path(session.args.out), session.work
    out.mkdir(parents=True, exist_ok=True)
    too_large = []
    model = work / "model" if (work / "model").is_dir() else work / "lamod" / "model"
    parts: dict[str, list[Path]] = {
        "model.tar.gz": [model],
        "runs.tar.gz": [f for run in _runs(work) for f in run.glob("*.json*")] + sorted((work / "logs").glob("*.txt")),
        "evaluation.tar.gz": [f for f in (work / "evaluation").rglob("*") if f.suffix in (".md", ".csv", ".json")],
        "figures.tar.gz": sorted((work / "evaluation").rglob("*.png")),
        **{f"{name}-model.tar.gz": [work / name / "model"] for name in ARCHITECTURES},
    }
    for name, paths in parts.items():
        existing = [path for path in paths if path.exists()]
        if existing and sum(_size_of(path) for path in existing) < 4 * _LARGEST_FILE:
            with tarfile.open(out / name, "w:gz") as archive:
                for path in existing:
                    archive.add(path, arcname=str(path.relative_to(work)))
        if existing and (not (out / name).is_file() or (out / name).stat().st_size > _LARGEST_FILE):
            (out / name).unlink(missing_ok=True)
            too_large.append(name)
    _summary(session, out / "summary.json", too_large)
    files = sorted(out.iterdir())
    assert len(files) <= _MOST_FILES, [file.name for file in files]


def _summary(session: Session, file: Path, too_large: list[str]) -> None:
    content: dict[str, Any] = {"device": _device_name(session.device), "left_out_as_too_large": too_large}
    content["done"] = [name for name, _ in steps() if _done(session, name).exists()]
    for name in ("plan.json", "speed.json"):
        path = session.work / name
        if path.is_file():
            content[path.stem] = json.loads(path.read_text(encoding="utf-8"))
    content["validation"] = {
        run.name: json.loads((run / "metrics.json").read_text(encoding="utf-8"))["validation"]
        for run in _runs(session.work)
        if (run / "metrics.json").is_file()
    }
    _write(file, content)


def steps() -> list[tuple[str, Callable[[Session], None]]]:
    """Steps in order; each is done once, and can be interrupted and resumed."""
    return [
        ("cohort", generate_cohort),
        ("cache", prepare_cache),
        ("plan", plan),
        ("lamod", train_lamod),
        ("posterior", train_posterior),
        *((name, train_baseline(name)) for name in ARCHITECTURES),
        ("speed", measure_speed),
        ("evaluation", evaluate),
    ]


def _done(session: Session, name: str) -> Path:
    return session.work / "done" / name


def _runs(work: Path) -> list[Path]:
    return [work / name for name in ("lamod", *ARCHITECTURES)]


def _size(session: Session) -> Any:
    return "reduced" if session.args.toy else session.args.size


def _workers() -> int:
    return max(1, (os.cpu_count() or 2) - 1)


def _size_of(path: Path) -> int:
    return sum(f.stat().st_size for f in path.rglob("*") if f.is_file()) if path.is_dir() else path.stat().st_size


def _device_name(device: torch.device) -> str:
    return torch.cuda.get_device_name(device) if device.type == "cuda" else "CPU"


def _finish(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize()


def _write(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True, help="kept between calls")
    parser.add_argument("--out", type=Path, required=True, help="folder for the packed results")
    parser.add_argument("--minutes", type=float, default=9.0, help="time of this call")
    parser.add_argument("--minutes-each", type=float, default=4.0, help="time of each training")
    parser.add_argument("--subjects", type=int, default=450)
    parser.add_argument("--config", type=Path, help="settings of LaMoD and, except for epochs, of the baselines")
    parser.add_argument("--model-init", help="a model whose weights LaMoD starts from")
    parser.add_argument("--leave-out", action="append", default=[], help="a method to leave out of the comparison")
    parser.add_argument("--size", choices=("full", "reduced"), default="full", help="size of the baselines' networks")
    parser.add_argument("--only", action="append", default=[], metavar="STEP", help="run only this step")
    parser.add_argument("--toy", action="store_true", help="few cases and small networks, to test the script")
    args = parser.parse_args()
    args.work.mkdir(parents=True, exist_ok=True)
    session = Session(args, time.monotonic() + 60 * args.minutes)
    torch.manual_seed(0)
    np.random.seed(0)
    (args.work / "done").mkdir(exist_ok=True)
    try:
        for name, work in steps():
            if _done(session, name).exists() or (args.only and name not in args.only):
                continue
            began = time.monotonic()
            try:
                work(session)
            except OutOfTime:
                print(f"{name}: not finished; repeat the command to resume", flush=True)
                return 3
            _done(session, name).touch()
            print(f"{name}: done in {time.monotonic() - began:.0f} s", flush=True)
    finally:
        pack(session)
    print("all done", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())

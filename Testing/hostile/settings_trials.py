"""Settings, grids, recipes, and other option files and values."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from trial import PREDICT, Trial

_TRAIN = ("train", "--data", "rings", "--out", "run", "--estimate", "--progress", "none")


def trials(valid: Path) -> Iterator[Trial]:
    for option in ("--config", "--grid"):
        yield from _files(option)
    yield from _configs()
    yield from _grids()
    yield from _recipes()
    yield from _options()


def _write(name: str, data: bytes, folder: Path, valid: Path, rng: random.Random) -> None:
    shutil.copytree(valid / "rings", folder / "rings")
    for file in ("config.json", "heart.nii", "heart.seq.nrrd"):
        shutil.copy(valid / file, folder / file)
    shutil.copytree(valid / "model", folder / "model")
    (folder / name).write_bytes(data)


_TEXTS = {
    "empty": b"", "a number": b"5", "null": b"null", "a list": b"[]", "not JSON": b"{x}", "not UTF-8": b"\xff", "deep": b"[" * 300_000,
    "deep objects": b'{"model":' * 90_000, "an integer of 9999 digits": b'{"seed": ' + b"9" * 9999 + b"}",
    "an integer of 3000 digits": b'{"seed": ' + b"9" * 3000 + b"}", "an escape sequence": b'{"\\u001b[2J": 1}',
    "a key of a megabyte": b'{"' + b"x" * (1 << 20) + b'": 1}', "100 MB": b" " * (100 << 20),
}  # fmt: skip


def _files(option: str) -> Iterator[Trial]:
    for name, data in _TEXTS.items():
        words = (
            (*_TRAIN, option, "x.json")
            if option == "--config"
            else (*(w for w in _TRAIN if w != "--estimate"), "--config", "config.json", option, "x.json")
        )
        yield Trial(
            f"{option} file", name, words, partial(_write, "x.json", data), (1,), (), ("run",), quick=name == "deep"
        )


def _configs() -> Iterator[Trial]:
    values: dict[str, list[Any]] = {
        "seed": [-1, 1.5, "x", True, None, 10**30], "batch_size": [0, -1, 10**9, "4"], "learning_rate": [-1, 5, float("nan"), "fast", None],
        "motion_epochs": [-1, 10**15], "freeze": ["encoder", [5], ["nothing"], {}], "model": [5, [], {"encoder_width": 10**7}, {"unknown": 1}, {"schedule": 5}],
        "augmentation": [5, {"jitter_mm": -1}, {"full_turn_share": 2}], "bf16": [1, "yes"], "unknown": [1], "shot_frames": [0, 10**6],
        "image_sigma": [0, float("inf")], "patience": [-1], "checkpoint_minutes": [-1, float("nan")],
    }  # fmt: skip
    for key, wrong in values.items():
        for number, value in enumerate(wrong):
            data = json.dumps({key: value}).encode()
            yield Trial(
                "--config value",
                f"{key} {number}",
                (*_TRAIN, "--config", "x.json"),
                partial(_write, "x.json", data),
                (1,),
                (),
                ("run",),
                quick=key == "seed" and number == 5,
            )


def _grids() -> Iterator[Trial]:
    words = (*(w for w in _TRAIN if w != "--estimate"), "--config", "config.json", "--grid", "x.json")
    for name, content in {
        "no lists": {"learning_rate": 1e-3}, "an empty list": {"learning_rate": []}, "an unknown setting": {"speed": [1, 2]},
        "a value of text": {"learning_rate": ["fast"]}, "10²⁰ combinations": {key: [0.1] * 100 for key in ("learning_rate", "weight_decay", "ema_decay", "alpha", "regularity", "image_sigma", "lambda_motion", "lambda_noise", "registration_weight", "gradient_weight_mm")},
        "points": {"....": [1]}, "a path through a number": {"seed.a.b": [1]}, "a path of a megabyte": {"model." * 100_000: [1]}, "lists in lists": {"learning_rate": [[1], [2]]},
        "nan": {"learning_rate": [float("nan")]}, "a negative seed": {"seed": [-1, -2]},
    }.items():  # fmt: skip
        yield Trial(
            "--grid value",
            name,
            words,
            partial(_write, "x.json", json.dumps(content).encode()),
            (1,),
            (),
            ("run",),
            quick=name.startswith("10"),
        )


def _recipes() -> Iterator[Trial]:
    words = ("phantom", "--out", "hearts", "--recipe", "x.json", "--no-report", "--workers", "1", "--progress", "none")
    values: dict[str, list[Any]] = {
        "count": [0, -1, "x", 1.5, None, True, 10**12], "seed": [-1, "x", 10**30], "sites": [0, "x"], "split": [5, [1], [0.5, 0.5, 0.5], ["a", "b", "c"], [float("nan")] * 3],
        "diseases": [5, {}, {"flu": 1}, {"healthy": -1}, {"healthy": float("nan")}, {"healthy": "x"}], "scans": ["x", 5], "trabeculae_mm": [-1, 99, "x", float("nan")],
        "allocation": ["x"], "annotated": ["yes", 5], "pictures": ["yes"], "unknown": [1],
    }  # fmt: skip
    for key, wrong in values.items():
        for number, value in enumerate(wrong):
            data = json.dumps({"count": 1, key: value}).encode()
            yield Trial(
                "recipe",
                f"{key} {number}",
                words,
                partial(_write, "x.json", data),
                (1,),
                (),
                (),
                quick=key == "count" and number == 6,
            )
    for name in ("empty", "a list", "deep", "an integer of 9999 digits", "not UTF-8"):
        yield Trial("recipe", name, words, partial(_write, "x.json", _TEXTS[name]), (1,))


def _options() -> Iterator[Trial]:
    for name, words, codes in (
        ("--rr of nan", (*PREDICT, "--rr", "nan"), (1, 2)), ("--rr of 1e300", (*PREDICT, "--rr", "1e300"), (1, 2)),
        ("--rv-insertion of nan", (*PREDICT, "--rv-insertion", "nan,nan,nan"), (1, 2)), ("--rv-insertion of 1e300", (*PREDICT, "--rv-insertion=1e300,0,0"), (0, 1, 2)),
        ("--labels of 5000 digits", (*PREDICT, "--labels", "myo=" + "9" * 5000), (1, 2)), ("--labels with an escape", (*PREDICT, "--labels", "\x1b[2J=1"), (1, 2)),
        ("--labels twice", (*PREDICT, "--labels", "myo=1,myo=2"), (1, 2)), ("--levels of nonsense", (*PREDICT, "--levels", "x,\x1b[2J"), (1, 2)),
        ("--reference-frame of 10⁹", (*PREDICT, "--reference-frame", "1000000000"), (1, 2)), ("--reference-frame of 5000 digits", (*PREDICT, "--reference-frame", "9" * 5000), (1, 2)),
        ("--seed of -1", (*PREDICT, "--seed", "-1"), (0, 1, 2)), ("--seed of 10³⁰", (*PREDICT, "--seed", str(10**30)), (0, 1, 2)),
        ("--samples of 10⁹", (*PREDICT[:-3], "--samples", "1000000000", "--progress", "none"), (1, 2)), ("--samples of -1", (*PREDICT, "--samples", "-1"), (1, 2)),
        ("--steps of 10⁹", (*PREDICT[:-3], "--steps", "1000000000", "--progress", "none"), (1, 2)), ("--start of -5", (*PREDICT, "--start", "-5"), (0, 1, 2)),
        ("--device of nonsense", (*PREDICT, "--device", "\x1b[2J"), (1, 2)), ("--mask-frames of 10⁹", (*PREDICT, "--cine", "heart.nii", "--mask-frames", "1000000000"), (0, 1, 2)),
        ("--model of 5000 characters", (*PREDICT, "--model", "m" * 5000), (1, 2)), ("masks of 5000 characters", ("info", "m" * 5000), (1, 2)),
        ("--out of 300 characters", ("predict", "heart.nii", "--out", "o" * 300, "--model", "model", "--no-report", "--progress", "none"), (1, 2)),
        ("--shares of nan", ("dataset", "split", "rings", "--shares", "nan,nan,nan"), (1, 2)), ("--shares of text", ("dataset", "split", "rings", "--shares", "a,b"), (1, 2)),
        ("--split of nonsense", ("evaluate", "--data", "rings", "--out", "out", "--models", "zero", "--split", "x"), (1, 2)),
        ("--models of nonsense", ("evaluate", "--data", "rings", "--out", "out", "--models", "\x1b[2J,,"), (1, 2)),
        ("--limit of -1", ("evaluate", "--data", "rings", "--out", "out", "--models", "zero", "--limit", "-1"), (1, 2)),
        ("--fix of nonsense", ("check", "heart.seq.nrrd", "--fix", "\x1b[2J", "--out", "out"), (1, 2)), ("--ke of nan", ("dense", "rings", "--out", "out", "--ke", "nan"), (1, 2)),
        ("a command of nonsense", ("\x1b[2J",), (2,)), ("no command", (), (2,)), ("settings of nonsense", ("settings", "x"), (1, 2)),
        ("models show of nonsense", ("models", "show", "\x1b[2J../x"), (1, 2)), ("models add of nothing", ("models", "add", "nothing"), (1, 2)),
        ("models remove of a path", ("models", "remove", "../../work"), (1, 2)), ("models rename of a path", ("models", "rename", "lamod-phantom-v1", "../../x"), (1, 2)),
        ("models export over a file", ("models", "export", "lamod-phantom-v1", "users-own.txt"), (1, 2)),
    ):  # fmt: skip
        yield Trial(
            "option",
            name,
            words,
            partial(_write, "x.json", b"{}"),
            codes,
            ("out",),
            quick="escape" in name or "nan" in name,
        )

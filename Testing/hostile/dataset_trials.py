"""Datasets with damaged indices, cases, motion and masks: validated, split, collected, trained on and evaluated."""

from __future__ import annotations

import io
import json
import os
import random
import shutil
import zipfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from bombs import zip_of_zeros
from dense_trials import npy
from trial import Trial

Change = Callable[[Path, random.Random], None]

#: Commands on the dataset `rings`: words, allowed exit codes, outputs, what remains after a failure.
COMMANDS: dict[str, tuple[tuple[str, ...], tuple[int, ...], tuple[str, ...], tuple[str, ...]]] = {
    "validate": (("dataset", "validate", "rings", "--progress", "none"), (1, 3), (), ()),
    "split": (("dataset", "split", "rings"), (0, 1), ("rings",), ()),
    "collect": (("dataset", "collect", "rings", "--into", "all"), (0, 1), ("all",), ()),
    "train": (
        ("train", "--data", "rings", "--out", "run", "--config", "config.json", "--estimate", "--progress", "none"),
        (0, 1), ("run",), ("run",),
    ),
    "train-posterior": (
        ("train-posterior", "--model", "model", "--data", "rings", "--out", "new", "--slices", "2", "--cases", "1",
         "--epochs", "1", "--samples", "2", "--progress", "none"),
        (0, 1), ("new", "new-run", "new-cache"), ("new-run", "new-cache"),
    ),
    "evaluate": (
        ("evaluate", "--data", "rings", "--out", "results", "--models", "zero", "--no-figures", "--progress", "none"),
        (0, 1), ("results",), (),
    ),
    "predict-cohort": (
        ("predict-cohort", "rings", "--out", "cohort", "--model", "model", "--no-diffusion", "--progress", "none"),
        (0, 1), ("cohort",), ("cohort",),
    ),
}  # fmt: skip


def trials(valid: Path) -> Iterator[Trial]:
    yield from _indices()
    yield from _cases()
    yield from _motion()
    yield from _one_bad_case()


def _rings(change: Change, folder: Path, valid: Path, rng: random.Random) -> None:
    shutil.copytree(valid / "rings", folder / "rings")
    shutil.copytree(valid / "model", folder / "model")
    shutil.copy(valid / "config.json", folder / "config.json")
    change(folder / "rings", rng)


def _on(kind: str, name: str, change: Change, commands: tuple[str, ...], quick: bool = False) -> Iterator[Trial]:
    for command in commands:
        words, codes, outputs, remains = COMMANDS[command]
        yield Trial(
            kind,
            f"{name}, {command}",
            words,
            partial(_rings, change),
            codes,
            outputs,
            remains,
            quick and command == commands[0],
        )


def edited(name: str, change: Callable[[dict[str, Any]], Any], path: Path, rng: random.Random) -> None:
    """Change the JSON object in a file of the dataset."""
    file = path / name
    content = json.loads(file.read_text())
    changed = change(content)
    file.write_text(json.dumps(content if changed is None else changed))


def replaced(name: str, data: bytes, path: Path, rng: random.Random) -> None:
    (path / name).write_bytes(data)


def _indices() -> Iterator[Trial]:
    every = tuple(COMMANDS)
    for number, (name, data) in enumerate({
        "empty": b"", "a number": b"5", "a list": b"[]", "not JSON": b"{", "not UTF-8": b"\xff\xff",
        "deep": b"[" * 200_000, "an integer of 10000 digits": b'{"version": ' + b"1" * 10_000 + b"}",
        "a version of text": b'{"version": "1", "cases": []}', "no cases": b'{"version": 1, "cases": []}',
        "cases as an object": b'{"version": 1, "cases": {}}', "cases of numbers": b'{"version": 1, "cases": [1, 2, 3]}',
        "deep cases": b'{"version": 1, "cases": ' + b"[" * 500 + b"]" * 500 + b"}",
        "a UTF-8 mark": b"\xef\xbb\xbf" + b'{"version": 1, "cases": []}',
    }.items()):  # fmt: skip
        commands = (every[number % len(every)], every[(number + 3) % len(every)])
        yield from _on("dataset.json", name, partial(replaced, "dataset.json", data), commands, quick=name == "deep")

    def entry(key: str, value: Any, content: dict[str, Any]) -> None:
        content["cases"][0][key] = value

    values: dict[str, list[Any]] = {
        "id": [None, 5, "", "..", "../../x", "a/b", "a\\b", "CON", "x" * 300, "\x1b[2J", "a\u0000b", "=cmd", "s1-mid", "\ud800", "a\u202eb"],
        "subject": [None, 5, "", "x" * 1000, "\x1b[31mred", "=1+1"],
        "site": [None, 5, "\x07", ["A"]],
        "split": [None, "", "validation", 5],
        "cohort": [None, "mri", 5],
        "disease": [None, 5, "\x1b]0;title\x07", "@SUM(A1)"],
        "level": [None, 5, "top"],
    }  # fmt: skip
    for key, wrong in values.items():
        for number, value in enumerate(wrong):
            command = every[(number + len(key)) % len(every)]
            yield from _on(
                "dataset.json",
                f"{key} {number}",
                partial(edited, "dataset.json", partial(entry, key, value)),
                ("validate", command) if command != "validate" else ("validate",),
            )


def _cases() -> Iterator[Trial]:
    every = tuple(COMMANDS)

    def put(key: str, value: Any, content: dict[str, Any]) -> None:
        content[key] = value

    values: dict[str, list[Any]] = {
        "level": [None, 5, "top", []],
        "disease": [5, [], "x" * 5000, "\x1b[2J"],
        "rv_insertion_lps": [5, [], [1, 2], [1, 2, "x"], [float("nan")] * 3, [1e300] * 3, [[1, 2, 3]], {}],
        "paired_with": [5, "..", "s0-mid", "nobody", [], "\x1b[2J"],
        "motion_source": [5, [], "predicted by a model"],
    }
    count = 0
    for key, wrong in values.items():
        for number, value in enumerate(wrong):
            count += 1
            command = every[1 + count % (len(every) - 1)]
            change = partial(edited, "cases/s0-mid/case.json", partial(put, key, value))
            yield from _on("case.json", f"{key} {number}", change, ("validate", command))
    for name, data in {
        "empty": b"",
        "a list": b"[]",
        "deep": b'{"a":' * 100_000,
        "an integer of 5000 digits": b'{"level": ' + b"1" * 5000 + b"}",
    }.items():
        count += 1
        yield from _on(
            "case.json",
            name,
            partial(replaced, "cases/s0-mid/case.json", data),
            ("validate", every[1 + count % (len(every) - 1)]),
            quick=name == "deep",
        )
    for name, data in {
        "empty": b"",
        "noise": random.Random(5).randbytes(4000),
        "huge": b"NRRD0005\ntype: uint8\ndimension: 4\nsizes: 99999 99999 999 999\nencoding: raw\n\n",
    }.items():
        yield from _on("masks of a case", name, partial(replaced, "cases/s0-mid/masks.seq.nrrd", data), every)


def npz(members: dict[str, bytes], **options: Any) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, **options) as archive:
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)
    return stream.getvalue()


def _motion() -> Iterator[Trial]:
    every = tuple(COMMANDS)
    file = "cases/s0-mid/displacement.npz"

    def array(key: str, make: Callable[[np.ndarray], Any], path: Path, rng: random.Random) -> None:
        with np.load(path / file) as archive:
            arrays = {name: archive[name] for name in archive.files}
        arrays[key] = make(arrays[key])
        np.savez(path / file, **arrays)

    changes: dict[str, list[Callable[[np.ndarray], Any]]] = {
        "displacement_mm": [
            lambda a: a[..., :2], lambda a: a[:3], lambda a: a.astype(np.int32), lambda a: a * np.inf, lambda a: a * 1e30,
            lambda a: a.astype(complex), lambda a: np.zeros(0), lambda a: np.float64(1), lambda a: a.astype("U8")[..., :1],
        ],
        "valid": [lambda a: a[:2], lambda a: a.astype(int) * 7, lambda a: ~a & False, lambda a: a.astype(float), lambda a: np.array([{}], dtype=object)],
        "frame_times_ms": [
            lambda a: a * np.nan, lambda a: a[::-1], lambda a: a * 0, lambda a: a * 1e30, lambda a: a[:3], lambda a: a[None],
            lambda a: a.astype("U8"), lambda a: np.where(np.arange(a.size) == 4, np.nan, a),
        ],
        "rr_ms": [lambda a: np.nan, lambda a: -5.0, lambda a: 0.0, lambda a: 1e30, lambda a: np.array([800.0, 1.0]), lambda a: "x"],
        "reference_frame": [lambda a: -1, lambda a: 99, lambda a: 0.5, lambda a: 2**62, lambda a: np.array([0, 1]), lambda a: np.nan],
    }  # fmt: skip
    count = 0
    for key, makers in changes.items():
        for number, make in enumerate(makers):
            count += 1
            command = every[1 + count % (len(every) - 1)]
            yield from _on(
                "displacement.npz",
                f"{key} {number}",
                partial(array, key, make),
                ("validate", command),
                quick=key == "frame_times_ms" and number == 0,
            )
    huge = {
        f"{name}.npy": npy((10**5, 10**5))
        for name in ("displacement_mm", "valid", "frame_times_ms", "rr_ms", "reference_frame")
    }

    def bomb(path: Path, rng: random.Random) -> None:
        names = ("displacement_mm", "valid", "frame_times_ms", "rr_ms", "reference_frame")
        zip_of_zeros(path / file, {f"{name}.npy": (npy((600 << 20,), "|u1"), 600) for name in names})

    def listing(path: Path, rng: random.Random) -> None:
        with zipfile.ZipFile(path / file, "w") as archive:
            for number in range(70_000):
                archive.writestr(zipfile.ZipInfo(f"{number}.npy"), b"")

    for name, change in {
        "empty": partial(replaced, file, b""), "noise": partial(replaced, file, random.Random(6).randbytes(3000)),
        "shapes of 80 GB": partial(replaced, file, npz(huge)), "3 GB in 3 MB": bomb, "70000 files": listing,
        "no arrays": partial(replaced, file, npz({})), "other arrays": partial(replaced, file, npz({"a.npy": npy((2,), body=bytes(16))})),
        "not arrays": partial(replaced, file, npz({name: b"text" for name in huge})),
    }.items():  # fmt: skip
        yield from _on(
            "displacement.npz", name, change, ("validate", "train", "evaluate"), quick=name == "3 GB in 3 MB"
        )


def _one_bad_case() -> Iterator[Trial]:
    """The other cases are used: exit code 0."""

    def unlink(name: str, path: Path, rng: random.Random) -> None:
        (path / name).unlink()

    def pipe(name: str, path: Path, rng: random.Random) -> None:
        (path / name).unlink()
        os.mkfifo(path / name)

    bad: dict[str, Change] = {
        "level is a number": partial(edited, "cases/{}/case.json", lambda c: c.update(level=5)),
        "masks are missing": partial(unlink, "cases/{}/masks.seq.nrrd"),
        "motion is noise": partial(replaced, "cases/{}/displacement.npz", b"noise"),
        "case.json is a pipe": partial(pipe, "cases/{}/case.json"),
    }
    for name, change in bad.items():
        for command, case in (("train", "s0-mid"), ("evaluate", "s6-mid"), ("predict-cohort", "s0-mid")):
            words, _, outputs, remains = COMMANDS[command]
            own = partial(change.func, change.args[0].format(case), *change.args[1:])  # type: ignore[attr-defined]
            yield Trial(
                "one bad case",
                f"{name}, {command}",
                words,
                partial(_rings, own),
                (0,),
                outputs,
                remains,
                quick=command == "evaluate",
            )

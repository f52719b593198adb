"""Pipes, sockets, devices, folders and links where files are expected, and odd names."""

from __future__ import annotations

import os
import random
import shutil
import socket
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from image_trials import with_model, words_of
from trial import Trial


def pipe(path: Path) -> None:
    os.mkfifo(path)


def listening(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as stream:
        before = Path.cwd()
        os.chdir(path.parent)
        stream.bind(path.name)
        os.chdir(before)


def linked(target: str, path: Path) -> None:
    path.symlink_to(target)


def folder_of_itself(path: Path) -> None:
    path.mkdir()
    (path / "loop").symlink_to(path)


def unreadable(path: Path) -> None:
    path.write_bytes(b"x")
    path.chmod(0)


PLACES: dict[str, Callable[[Path], None]] = {
    "a pipe": pipe, "a socket": listening, "a link to /dev/zero": partial(linked, "/dev/zero"), "a link to /dev/null": partial(linked, "/dev/null"),
    "a link to itself": partial(linked, "x"), "a link to nothing": partial(linked, "nothing"), "a folder that links to itself": folder_of_itself,
    "an empty folder": Path.mkdir, "an empty file": Path.touch, "a file that cannot be read": unreadable,
}  # fmt: skip

#: A command that reads the place as {}, the name of the place, and what else is needed.
USES: dict[str, tuple[tuple[str, ...], str]] = {
    "masks": (words_of("check", "{}"), "x.nii"),
    "info": (words_of("info", "{}"), "x"),
    "cine": (words_of("cine", "{}"), "x.nrrd"),
    "predict": (words_of("predict", "{}"), "x.seq.nrrd"),
    "contours of another program": (words_of("check", "{}"), "x.mrk.json"),
    "guide points": (("check", "{}", "--cine", "heart.nii", "--no-strain", "--progress", "none"), "x.txt"),
    "workspace": (("dense", "{}", "--out", "out", "--progress", "none"), "x.dns"),
    "arrays": (("dense", "{}", "--out", "out", "--progress", "none"), "x.json"),
    "model": (("predict", "heart.nii", "--out", "out", "--model", "{}", "--no-report", "--progress", "none"), "x"),
    "archive": (("models", "add", "{}"), "x.zip"),
    "engine": (("contour", "heart.nii", "--out", "out", "--engine", "{}", "--progress", "none"), "x"),
    "config": (("train", "--data", "rings", "--out", "run", "--estimate", "--config", "{}", "--progress", "none"), "x"),
    "dataset": (("dataset", "validate", "{}", "--progress", "none"), "x"),
    "cohort": (("predict-cohort", "{}", "--out", "cohort", "--model", "model", "--progress", "none"), "x"),
    "recipe": (("phantom", "--out", "hearts", "--recipe", "{}", "--progress", "none"), "x"),
}  # fmt: skip


def trials(valid: Path) -> Iterator[Trial]:
    for use, (words, name) in USES.items():
        for place, make in PLACES.items():
            if place.endswith("cannot be read") and os.geteuid() == 0:
                continue  # root reads everything
            quick = place == "a pipe" and use in ("masks", "config", "dataset", "model")
            codes = (1,) if use != "info" else (0, 1)
            prepare = partial(_place, name, make)
            yield Trial(
                "special file",
                f"{place} as {use}",
                tuple(w.replace("{}", name) for w in words),
                prepare,
                codes,
                (),
                ("run", "cohort"),
                quick,
            )
    yield from _inside()
    yield from _names()


def _place(name: str, make: Callable[[Path], None], folder: Path, valid: Path, rng: random.Random) -> None:
    with_model(folder, valid)
    shutil.copytree(valid / "rings", folder / "rings")
    make(folder / name)


def _inside() -> Iterator[Trial]:
    """A special file among good ones."""

    def images(place: str, folder: Path, valid: Path, rng: random.Random) -> None:
        with_model(folder, valid)
        shutil.copytree(valid / "volumes", folder / "x")
        PLACES[place](folder / "x" / "extra.nii")

    def dicom(place: str, folder: Path, valid: Path, rng: random.Random) -> None:
        with_model(folder, valid)
        shutil.copytree(valid / "dicom", folder / "x")
        PLACES[place](folder / "x" / "extra")

    def case(name: str, place: str, folder: Path, valid: Path, rng: random.Random) -> None:
        with_model(folder, valid)
        shutil.copytree(valid / "rings", folder / "rings")
        path = folder / "rings" / name
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
        PLACES[place](path)

    for place in ("a pipe", "a socket", "a link to /dev/zero", "a folder that links to itself"):
        yield Trial("special file", f"{place} among volumes", words_of("check", "x"), partial(images, place), (0, 1, 3))
        yield Trial(
            "special file",
            f"{place} among DICOM",
            words_of("cine", "x"),
            partial(dicom, place),
            (0, 1, 3),
            quick=place == "a pipe",
        )
        for name in (
            "dataset.json",
            "cases",
            "cases/s0-mid",
            "cases/s0-mid/case.json",
            "cases/s0-mid/displacement.npz",
            "cases/s0-mid/masks_true.seq.nrrd",
        ):
            yield Trial(
                "special file",
                f"{place} as {name}",
                ("dataset", "validate", "rings", "--progress", "none"),
                partial(case, name, place),
                (1, 3),
            )
            yield Trial(
                "special file",
                f"{place} as {name}, collect",
                ("dataset", "collect", "rings", "--into", "all"),
                partial(case, name, place),
                (0, 1),
                ("all",),
            )


def _names() -> Iterator[Trial]:
    def named(name: str, folder: Path, valid: Path, rng: random.Random) -> None:
        with_model(folder, valid)
        shutil.copy(valid / "heart.nii", folder / os.fsencode(name).decode("utf-8", "surrogateescape"))

    def broken(name: str, folder: Path, valid: Path, rng: random.Random) -> None:
        with_model(folder, valid)
        (folder / name).write_bytes(b"broken")

    def cohort(name: str, folder: Path, valid: Path, rng: random.Random) -> None:
        with_model(folder, valid)
        (folder / "x").mkdir()
        shutil.copy(valid / "heart.nii", folder / "x" / name)
        (folder / "x" / f"b{name}").write_bytes(b"broken")

    for title, name in {
        "an escape sequence": "\x1b[31mred\x1b[2J.nii", "a title sequence": "\x1b]0;owned\x07.nii", "a line feed": "a\nlamod: done.nii", "a carriage return": "a\rb.nii",
        "bytes that are not UTF-8": "a\udcff\udcfe.nii", "right to left": "a\u202eiin.exe.nii", "a zero-width space": "a\u200bb.nii", "240 characters": "x" * 240 + ".nii",
        "a formula": "=HYPERLINK(0).nii", "a formula with a plus": "+1+1.nii", "an at sign": "@SUM(1).nii", "a tab": "\ta.nii", "dollars": "a$b_{$.nii", "a percent sign": "%s%n%d.nii",
        "brackets": "[a-z]*?.nii", "quotes": "a'b\"c.nii", "only spaces": "   .nii", "letters of many languages": "сердце-心臓-قلب.nii", "a combining accent": "e\u0301\u0301\u0301.nii", "a leading dash": "./-x.nii",
    }.items():  # fmt: skip
        quick = title in ("an escape sequence", "bytes that are not UTF-8", "dollars")
        report = ("predict", name, "--out", "out", "--model", "model", "--no-diffusion", "--progress", "json")
        yield Trial("name", f"{title}, info", ("info", name), partial(named, name), (0,))
        yield Trial("name", f"{title}, report", report, partial(named, name), (0,), ("out",), quick=quick)
        yield Trial("name", f"{title}, broken", words_of("check", name), partial(broken, name), (1,), quick=quick)
        plain = name.removeprefix("./")
        yield Trial(
            "name",
            f"{title}, cohort",
            ("predict-cohort", "x", "--out", "cohort", "--model", "model", "--no-diffusion", "--progress", "none"),
            partial(cohort, plain),
            (0, 1),
            ("cohort",),
            ("cohort",),
        )

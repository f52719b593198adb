"""`lamod models`: list and manage the models that can be selected by name."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from LaMoDCore.runtime.bounded_reads import read_text
from LaMoDCore.runtime.errors import LaMoDInputError

if TYPE_CHECKING:
    from LaMoDCore.heart.contour_convention import ContourConvention

HELP = (
    "List the installed models and contour engines, show a model card or an engine's licences, or manage your own "
    "models: add a model folder, a .zip file or a "
    "run's model; rename, export (as .zip) or remove one."
)
_ACTIONS = ("list", "show", "add", "rename", "export", "remove")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", choices=_ACTIONS, help="action")
    parser.add_argument("model", nargs="?", metavar="NAME|DIR|ZIP", help="the model (required except for list)")
    parser.add_argument(
        "to",
        nargs="?",
        metavar="NEW",
        help="the new name (rename; optional for add) or the file (export)",
    )


def run(args: argparse.Namespace) -> int:
    if args.action != "list" and args.model is None:
        raise LaMoDInputError(f"lamod models {args.action}", "no model is given", "give one of `lamod models list`")
    if args.action in ("rename", "export") and args.to is None:
        what = "new name" if args.action == "rename" else "file"
        raise LaMoDInputError(f"lamod models {args.action}", f"the {what} is missing", "give it after the model")
    actions: dict[str, Callable[[str, str | None], None]] = {
        "list": _list,
        "show": _show,
        "add": _add,
        "rename": _rename,
        "export": _export,
        "remove": _remove,
    }
    actions[args.action](args.model, args.to)
    return 0


def _list(_: str, __: str | None) -> None:
    from LaMoDCore.contours.automatic.registry import registered_engines
    from LaMoDCore.models.registry import read_description, registered_models

    for model in registered_models():
        origin = "shipped" if model.shipped else "own"
        made_by = model.fault or f"LaMoD {read_description(model.folder).get('code_version', '?')}"
        print(f"{model.name}\t{origin}\t{model.bytes / 1e6:.1f} MB\t{made_by}")
    for engine in registered_engines():
        size = 0 if engine.description is None else engine.description.size_bytes
        print(f"{engine.name}\tcontour engine\t{size / 1e6:.1f} MB\t{engine.fault or 'installed'}")


_LARGEST_CARD = 1 << 20


def _show(name: str, _: str | None) -> None:
    from LaMoDCore.contours.automatic.registry import engine_files
    from LaMoDCore.models.registry import find_model, known_models, read_description

    if name in engine_files() and name not in known_models():
        print(_engine_text(name))
        return
    folder = find_model(name)
    read_description(folder)
    card = folder / "MODEL_CARD.md"
    print(read_text(card, _LARGEST_CARD) if card.is_file() else f"{folder.name} has no MODEL_CARD.md")


def _engine_text(name: str) -> str:
    from LaMoDCore.contours.automatic.registry import find_engine

    engine = find_engine(name)
    pixel = engine.pixel_mm
    height, width = engine.input_size
    file = engine.onnx_file
    state = "installed" if file is not None and file.is_file() else f"not installed; install it: {engine.install}"
    return "\n".join(
        [
            engine.notice,
            f"State: {state}",
            f"Views: {', '.join(engine.views)}; {_convention_text(engine.contour_convention)}",
            f"Input: {height} × {width} pixels of {pixel.least:g}–{pixel.most:g} mm, else {pixel.preferred:g} mm",
            f"SHA-256: {engine.sha256}",
        ]
    )


def _convention_text(convention: ContourConvention) -> str:
    from LaMoDCore.heart.contour_convention import CONVENTION_WORDS

    known = f"contours follow the {CONVENTION_WORDS[convention]}"
    return known if convention != "auto" else "contour convention not stated"


def _add(source: str, name: str | None) -> None:
    from LaMoDCore.models.store import add_model

    folder = Path(source)
    if (folder / "model" / "model.json").is_file():
        folder = folder / "model"
    print(f"added {add_model(folder, name or '').name}")


def _rename(name: str, wanted: str | None) -> None:
    from LaMoDCore.models.store import rename_model

    print(f"renamed {name} to {rename_model(name, wanted or '').name}")


def _export(name: str, target: str | None) -> None:
    from LaMoDCore.models.store import export_model

    print(f"exported {name} to {export_model(name, Path(target or ''))}")


def _remove(name: str, _: str | None) -> None:
    from LaMoDCore.models.store import remove_model

    remove_model(name)
    print(f"removed {name}")

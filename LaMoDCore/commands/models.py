"""`lamod models`: the models that can be chosen by name."""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

from LaMoDCore.errors import LaMoDInputError

HELP = "List the known models, show one's card, add one to or remove one from your own models."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", choices=("list", "show", "add", "remove"))
    parser.add_argument("model", nargs="?", metavar="NAME|DIR", help="which model (show, add, remove)")


def run(args: argparse.Namespace) -> int:
    if args.action != "list" and args.model is None:
        raise LaMoDInputError(
            f"lamod models {args.action}", "no model is named", "name one, or see `lamod models list`"
        )
    return {"list": _list, "show": _show, "add": _add, "remove": _remove}[args.action](args.model)


def _list(_: str | None) -> int:
    from LaMoDCore.models import known_models, read_description, shipped_folder

    for name, folder in sorted(known_models().items()):
        description = read_description(folder)
        origin = "shipped" if folder.parent == shipped_folder() else "own"
        size_mb = sum(file.stat().st_size for file in folder.iterdir()) / 1e6
        print(f"{name}\t{origin}\t{size_mb:.1f} MB\tLaMoD {description.get('code_version', '?')}")
    return 0


def _show(name: str) -> int:
    from LaMoDCore.models import find_model, read_description

    folder = find_model(name)
    read_description(folder)
    card = folder / "MODEL_CARD.md"
    print(card.read_text(encoding="utf-8") if card.is_file() else f"{folder.name}: it has no MODEL_CARD.md")
    return 0


def _add(source: str) -> int:
    from LaMoDCore.models import known_models, load_model, user_folder

    name = load_model(Path(source)).name
    if name in known_models():
        raise LaMoDInputError(source, f"a model named {name!r} is known already", "remove that one, or rename this")
    user_folder().mkdir(parents=True, exist_ok=True)
    fresh = user_folder() / f".{name}.tmp"
    shutil.copytree(source, fresh)
    fresh.rename(user_folder() / name)
    print(f"added {name}")
    return 0


def _remove(name: str) -> int:
    from LaMoDCore.models import find_model, shipped_folder, user_folder

    folder = find_model(name)
    if folder.parent == shipped_folder():
        raise LaMoDInputError(name, "it comes with LaMoD and is not removed", "choose one of your own models")
    if folder.parent != user_folder():
        raise LaMoDInputError(name, "it is not among your own models", "delete that folder yourself")
    shutil.rmtree(folder)
    print(f"removed {name}")
    return 0

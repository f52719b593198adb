"""`lamod settings`: list the training settings with range, description and the values of the presets."""

from __future__ import annotations

import argparse
import json
from typing import Any

HELP = "List every setting of `lamod train --config`: range, description, and value in every preset."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print one JSON array")


def run(args: argparse.Namespace) -> int:
    settings = described_settings()
    if args.json:
        print(json.dumps(settings))
        return 0
    for setting in settings:
        values = ", ".join(f"{preset} {value}" for preset, value in setting["presets"].items())
        allowed = "" if setting["least"] is None else f" ({setting['least']} to {setting['most'] or 'any'})"
        print(f"{setting['path']}: {setting['kind']}{allowed}. {setting['help']}\n    {values}")
    return 0


def described_settings() -> list[dict[str, Any]]:
    """Every setting as JSON: path, kind (bool, int, float, str, tuple), least, most, choices, help, value by preset."""
    from LaMoDCore.training.run.form import form
    from LaMoDCore.training.run.settings import PRESETS

    values = {preset: {setting.path: setting.default for setting in form(config)} for preset, config in PRESETS.items()}
    return [
        {
            "path": setting.path,
            "kind": setting.kind.__name__,
            "least": setting.least,
            "most": setting.most,
            "choices": list(setting.choices),
            "help": setting.help,
            "presets": {preset: values[preset][setting.path] for preset in PRESETS},
        }
        for setting in form()
    ]

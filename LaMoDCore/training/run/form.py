"""The settings of a run for a form: name, type, default, range, and help from their docstrings."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

from LaMoDCore.networks.diffusion import SAMPLERS, SCHEDULES
from LaMoDCore.networks.lamod import ARCHITECTURES, SPACES
from LaMoDCore.training.run.settings import CHOICES, TrainingConfig

#: Settings with a fixed set of values.
_CHOICES: dict[str, tuple[str, ...]] = {
    **CHOICES,
    "model.architecture": ARCHITECTURES,
    "model.inference.space": SPACES,
    "model.inference.sampler": SAMPLERS,
    "model.schedule.name": SCHEDULES,
    "freeze": ("encoder", "registration", "decoder", "denoiser"),
}


@dataclass(frozen=True)
class Setting:
    """One setting.

    Attributes:
        path: its name as in a grid file; nested settings have dots.
        kind: bool, int, float, str or tuple.
        default: its value in `TrainingConfig()`.
        least, most: the range, None if open.
        choices: allowed values, empty if any value of the kind is allowed.
        help: description from the docstring.
    """

    path: str
    kind: type
    default: Any
    least: float | None
    most: float | None
    choices: tuple[str, ...]
    help: str


def form(settings: Any = None, prefix: str = "") -> Iterator[Setting]:
    """Every setting of a config (`TrainingConfig()` by default) in order, with the settings of its parts."""
    settings = TrainingConfig() if settings is None else settings
    texts = _documented(type(settings))
    for each in fields(settings):
        value, path = getattr(settings, each.name), f"{prefix}{each.name}"
        if is_dataclass(value):
            yield from form(value, f"{path}.")
        else:
            least, most = each.metadata.get("least"), each.metadata.get("most")
            yield Setting(path, type(value), value, least, most, _CHOICES.get(path, ()), texts.get(each.name, ""))


def _documented(kind: type) -> dict[str, str]:
    """Field -> its description in the docstring's Attributes."""
    text = inspect.cleandoc(kind.__doc__ or "").partition("Attributes:\n")[2]
    found: dict[str, str] = {}
    for entry in re.split(r"\n(?=    \S)", text):
        names, separator, described = entry.strip().partition(": ")
        if separator:
            found |= {name.strip(): " ".join(described.split()) for name in names.split(",")}
    return found

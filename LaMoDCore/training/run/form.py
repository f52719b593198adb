"""The settings of a run as a form would show them: name, type, default, range, and the words of their docstring."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

from LaMoDCore.networks.diffusion import SAMPLERS, SCHEDULES
from LaMoDCore.training.run.settings import TrainingConfig

#: Settings that are one of a few words.
_CHOICES: dict[str, tuple[str, ...]] = {
    "model.inference.sampler": SAMPLERS,
    "model.schedule.name": SCHEDULES,
    "freeze": ("encoder", "registration", "decoder", "denoiser"),
}


@dataclass(frozen=True)
class Setting:
    """One line of the form.

    Attributes:
        path: as a grid file names it, nested settings with dots.
        kind: bool, int, float, str or tuple.
        default: its value in `TrainingConfig()`.
        least, most: the range, None where it is open.
        choices: the words that are allowed, empty where any value of the kind is.
        help: what it does.
    """

    path: str
    kind: type
    default: Any
    least: float | None
    most: float | None
    choices: tuple[str, ...]
    help: str


def form(settings: Any = None, prefix: str = "") -> Iterator[Setting]:
    """Every setting of a config (`TrainingConfig()` by default), those of its parts after it, in their order."""
    settings = TrainingConfig() if settings is None else settings
    words = _documented(type(settings))
    for each in fields(settings):
        value, path = getattr(settings, each.name), f"{prefix}{each.name}"
        if is_dataclass(value):
            yield from form(value, f"{path}.")
        else:
            least, most = each.metadata.get("least"), each.metadata.get("most")
            yield Setting(path, type(value), value, least, most, _CHOICES.get(path, ()), words.get(each.name, ""))


def _documented(kind: type) -> dict[str, str]:
    """Field -> its words in the docstring's Attributes."""
    text = inspect.cleandoc(kind.__doc__ or "").partition("Attributes:\n")[2]
    found: dict[str, str] = {}
    for entry in re.split(r"\n(?=    \S)", text):
        names, separator, words = entry.strip().partition(": ")
        if separator:
            found |= {name.strip(): " ".join(words.split()) for name in names.split(",")}
    return found

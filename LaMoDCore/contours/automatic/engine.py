"""Description of a contour engine: a segmentation network and the settings needed to run it.

An engine is a folder with an ``engine.json`` and an ONNX file, an installed package that contains both, or an
``engine.json`` shipped with LaMoD that refers to a file in an installed package. The network is never imported as code.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import Any, Literal

from LaMoDCore.runtime.bounded_reads import check_regular, read_file, sha256_of
from LaMoDCore.runtime.errors import LaMoDInputError
from LaMoDCore.runtime.json_file import parse_json

FORMAT = "lamod-contour-engine/1"
ENGINE_FILE = "engine.json"
#: Number of counter-clockwise quarter turns as displayed, and whether left and right are then swapped.
Orientation = tuple[int, bool]
Convention = Literal["blood-pool", "tissue"]
CONVENTIONS: tuple[Convention, ...] = ("blood-pool", "tissue")
VIEWS = ("short-axis", "long-axis")
LABELS = ("background", "right_ventricle", "myocardium", "cavity")
#: Maximum size of engine.json, bytes.
_LARGEST_DESCRIPTION = 1 << 20
_LARGEST_SIDE = 2048


@dataclass(frozen=True)
class EngineLicence:
    """Licences of the weights and of their training data."""

    weights: str
    training_data: str
    training_data_name: str


@dataclass(frozen=True)
class PixelRange:
    """Range of pixel sizes that the network was trained on, mm."""

    least: float
    preferred: float
    most: float


@dataclass(frozen=True)
class EngineDescription:
    """Contents of engine.json.

    Attributes:
        name: name by which the engine is selected.
        folder: folder that contains engine.json.
        file: path of the ONNX file relative to `folder` or inside the distribution, with "/" as separator.
        distribution: name of the installed package that contains the file; "" if it is in `folder`.
        version: version of that package.
        sha256: SHA-256 of the ONNX file, hexadecimal.
        size_bytes: size of the ONNX file; 0 if not stated.
        input_size: (H, W) of the network's input.
        clip_percentiles: (low, high) percentiles at which each frame's intensities are clipped.
        intensity_range: (low, high) intensities after scaling.
        labels: output channel of each of `LABELS`.
        orientations: orientations of the input image, the best first, relative to the upright view from the apex
            (patient's left on the right); networks work best in the orientation of their training data.
        pixel_mm: pixel sizes that the network expects.
        views: supported views, a subset of `VIEWS`.
        contour_convention: whether the drawn cavity follows the blood pool or compact tissue.
        licence: licences of the weights and of the training data.
        source: origin of the weights.
        install: how to install missing parts; "" if nothing has to be installed.
    """

    name: str
    folder: Path
    file: str
    distribution: str
    version: str
    sha256: str
    size_bytes: int
    input_size: tuple[int, int]
    clip_percentiles: tuple[float, float]
    intensity_range: tuple[float, float]
    labels: Mapping[str, int]
    orientations: tuple[Orientation, ...]
    pixel_mm: PixelRange
    views: tuple[str, ...]
    contour_convention: Convention
    licence: EngineLicence
    source: str
    install: str = ""

    @property
    def onnx_file(self) -> Path | None:
        """The ONNX file, or None if its package is not installed in this version or does not contain it."""
        if not self.distribution:
            return self.folder / self.file
        found = installed(self.distribution)
        if found is None or found.version != self.version:
            return None
        file = Path(str(found.locate_file(self.file)))
        return file if file.is_file() else None

    def checked_file(self) -> Path:
        """Return the ONNX file after checking its hash against the description.

        Raises:
            LaMoDInputError: the file is missing or its hash differs.
        """
        file = self.onnx_file
        if file is None or not file.is_file():
            raise LaMoDInputError(
                f"contour engine {self.name}",
                f"{Path(self.file).name} is not installed",
                f"install it: {self.install}" if self.install else "copy the whole engine folder again",
            )
        if (self.size_bytes and check_regular(file) != self.size_bytes) or sha256_of(file) != self.sha256:
            raise LaMoDInputError(
                f"contour engine {self.name}",
                f"{file.name} is not the file that engine.json describes (its SHA-256 differs)",
                f"install it again: {self.install}" if self.install else "copy the whole engine folder again",
            )
        return file

    @property
    def notice(self) -> str:
        """Licences and source, shown before anything is installed."""
        return (
            f"Contour engine {self.name}: weights {self.licence.weights} ({self.source}), trained on "
            f"{self.licence.training_data_name}, licensed {self.licence.training_data}."
        )


def installed(name: str) -> Distribution | None:
    """Find an installed distribution by name without importing it."""
    try:
        return distribution(name)
    except PackageNotFoundError:
        return None


def read_engine(file: Path) -> EngineDescription:
    """Read and check an engine.json.

    Raises:
        LaMoDInputError: the file is missing or not valid JSON, or a field is missing or has an invalid value.
    """
    label = f"{file.parent.name}/{file.name}"
    if not file.exists():
        raise LaMoDInputError(label, "it does not exist", f"name a folder that holds {ENGINE_FILE}")
    try:
        stored = parse_json(read_file(file, _LARGEST_DESCRIPTION))
    except LaMoDInputError as error:
        raise LaMoDInputError(label, error.reason, "copy the engine folder again") from error
    except ValueError as error:
        raise LaMoDInputError(label, "it is not readable JSON", "copy the engine folder again") from error
    try:
        return _parsed(stored, file.parent)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        reason = f"the field {error} is missing" if isinstance(error, KeyError) else str(error)
        raise LaMoDInputError(label, reason, "correct it; the how-to on contour engines lists every field") from error


def _parsed(stored: Any, folder: Path) -> EngineDescription:
    if not isinstance(stored, dict) or stored.get("format") != FORMAT:
        raise ValueError(f"its format is not {FORMAT}")
    onnx = stored["onnx"]
    within = {"file": onnx} if isinstance(onnx, str) else onnx
    file = _text(within["file"], "onnx")
    if Path(file).is_absolute() or ".." in Path(file).parts:
        raise ValueError("onnx must be a path inside the engine's folder or package")
    height, width = (_integer(v, "input_size", 32, _LARGEST_SIDE) for v in _list(stored["input_size"], 2, "input_size"))
    normalisation = stored["normalisation"]
    low, high = (
        _number(v, "clip_percentiles") for v in _list(normalisation["clip_percentiles"], 2, "clip_percentiles")
    )
    if not 0 <= low < high <= 100:
        raise ValueError("clip_percentiles must rise within 0–100")
    least, most = (_number(v, "range") for v in _list(normalisation["range"], 2, "range"))
    labels = {name: _integer(stored["labels"][name], f"labels.{name}", 0, 255) for name in LABELS}
    if len(set(labels.values())) != len(LABELS):
        raise ValueError("labels must be different channels")
    pixel = PixelRange(*(_number(stored["pixel_mm"][key], f"pixel_mm.{key}") for key in ("least", "preferred", "most")))
    if not 0 < pixel.least <= pixel.preferred <= pixel.most:
        raise ValueError("pixel_mm needs 0 < least ≤ preferred ≤ most")
    views = tuple(_choice(view, VIEWS, "views") for view in stored["views"])
    licence = stored["licence"]
    digest = _text(stored["sha256"], "sha256").lower()
    if len(digest) != 64 or set(digest) - set("0123456789abcdef"):
        raise ValueError("sha256 must be 64 hexadecimal digits")
    return EngineDescription(
        name=_text(stored["name"], "name"),
        folder=folder,
        file=file,
        distribution=str(within.get("distribution", "")),
        version=str(within.get("version", "")),
        sha256=digest,
        size_bytes=_integer(stored.get("size_bytes", 0), "size_bytes", 0, 1 << 40),
        input_size=(height, width),
        clip_percentiles=(low, high),
        intensity_range=(least, most),
        labels=labels,
        orientations=_orientations(stored.get("orientations", [[0, False], [0, True]])),
        pixel_mm=pixel,
        views=views,
        contour_convention=_convention(stored["contour_convention"]),
        licence=EngineLicence(
            *(_text(licence[key], f"licence.{key}") for key in ("weights", "training_data", "training_data_name"))
        ),
        source=_text(stored["source"], "source"),
        install=str(stored.get("install", "")),
    )


def _text(value: Any, name: str) -> str:
    if not isinstance(value, str) or not value.strip() or len(value) > 500 or not value.isprintable():
        raise ValueError(f"{name} must be a printable text of at most 500 characters")
    return value


def _number(value: Any, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"{name} must be a finite number")
    return float(value)


def _integer(value: Any, name: str, least: int, most: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise ValueError(f"{name} must be a whole number from {least} to {most}")
    return value


def _list(value: Any, length: int, name: str) -> list[Any]:
    if not isinstance(value, list) or len(value) != length:
        raise ValueError(f"{name} must be a list of {length}")
    return value


def _orientations(value: Any) -> tuple[Orientation, ...]:
    if not isinstance(value, list) or not 1 <= len(value) <= 8:
        raise ValueError("orientations must be a list of 1 to 8 pairs")
    found = []
    for pair in value:
        turns, mirrored = _list(pair, 2, "orientations")
        if not isinstance(mirrored, bool):
            raise ValueError("orientations must be pairs of quarter turns and true or false")
        found.append((_integer(turns, "orientations", 0, 3), mirrored))
    return tuple(found)


def _choice(value: Any, allowed: tuple[str, ...], name: str) -> str:
    if value not in allowed:
        raise ValueError(f"{name} must be one of {', '.join(allowed)}")
    return str(value)


def _convention(value: Any) -> Convention:
    for convention in CONVENTIONS:
        if value == convention:
            return convention
    raise ValueError(f"contour_convention must be one of {', '.join(CONVENTIONS)}")

"""Description of a contour engine: a segmentation network and the settings needed to run it.

An engine is a folder with an ``engine.json`` and an ONNX file, an installed package that contains both, or an
``engine.json`` shipped with LaMoD that refers to a file in an installed package. The network is never imported as code.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path, PurePosixPath
from typing import Any

from LaMoDCore.heart.contour_convention import CONTOUR_CONVENTIONS, ContourConvention
from LaMoDCore.runtime.bounded_reads import check_regular, read_file, sha256_of
from LaMoDCore.runtime.errors import LaMoDInputError
from LaMoDCore.runtime.json_file import parse_json
from LaMoDCore.runtime.schema import Either, Flag, Items, ListOf, Number, Numbers, Record, Text, Whole, refuse_faults

FORMAT = "lamod-contour-engine/1"
ENGINE_FILE = "engine.json"
#: Number of counter-clockwise quarter turns as displayed, and whether left and right are then swapped.
Orientation = tuple[int, bool]
VIEWS = ("short-axis", "long-axis")
LABELS = ("background", "right_ventricle", "myocardium", "cavity")
#: Maximum size of engine.json, bytes.
_LARGEST_DESCRIPTION = 1 << 20
_LARGEST_SIDE = 2048
_SHA256_DIGITS = 64
_LICENCES = ("weights", "training_data", "training_data_name")
_NAME, _PIXEL = Text(filled=True), Number(0.1, 20)
_ENGINE = Record(
    {
        "name": _NAME,
        "onnx": Either((_NAME, Record({"file": _NAME, "distribution": Text(), "version": Text()}, required=("file",)))),
        "sha256": _NAME,
        "size_bytes": Whole(0, 1 << 40),
        "input_size": ListOf(Whole(32, _LARGEST_SIDE), 2, 2),
        "normalisation": Record(
            {"clip_percentiles": Numbers((2,), 0, 100), "range": Numbers((2,), -1e6, 1e6)},
            required=("clip_percentiles", "range"),
        ),
        "labels": Record(dict.fromkeys(LABELS, Whole(0, 255)), required=LABELS),
        "orientations": ListOf(Items((Whole(0, 3), Flag())), 1, 8),
        "pixel_mm": Record(
            {"least": _PIXEL, "preferred": _PIXEL, "most": _PIXEL}, required=("least", "preferred", "most")
        ),
        "views": ListOf(Text(choices=VIEWS), 1, len(VIEWS)),
        "contour_convention": Text(choices=CONTOUR_CONVENTIONS),
        "licence": Record(dict.fromkeys(_LICENCES, _NAME), required=_LICENCES),
        "source": _NAME,
        "install": Text(),
    },
    required=(
        *("name", "onnx", "sha256", "input_size", "normalisation", "labels", "pixel_mm", "views", "licence"),
        "source",
    ),
)


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
        contour_convention: whether the drawn cavity follows the blood pool or compact tissue; "auto" if not stated.
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
    contour_convention: ContourConvention
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
    remedy = "correct it; the how-to on contour engines lists every field"
    if not isinstance(stored, dict) or stored.get("format") != FORMAT:
        raise LaMoDInputError(label, f"its format is not {FORMAT}", remedy)
    refuse_faults(_ENGINE.faults(stored), label, remedy)
    refuse_faults(_contradictions(stored), label, remedy)
    return _described(stored, file.parent)


def _contradictions(stored: dict[str, Any]) -> Iterator[str]:
    """Faults of fields that are valid one by one."""
    path = PurePosixPath(_location(stored)["file"].replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or not path.parts or ":" in path.parts[0]:
        yield "onnx must be a path inside the engine's folder or package"
    low, high = stored["normalisation"]["clip_percentiles"]
    if not low < high:
        yield "clip_percentiles must rise within 0–100"
    if len({stored["labels"][name] for name in LABELS}) != len(LABELS):
        yield "labels must be different channels"
    pixel = stored["pixel_mm"]
    if not pixel["least"] <= pixel["preferred"] <= pixel["most"]:
        yield "pixel_mm needs least ≤ preferred ≤ most"
    if set(stored["sha256"].lower()) - set("0123456789abcdef") or len(stored["sha256"]) != _SHA256_DIGITS:
        yield f"sha256 must be {_SHA256_DIGITS} hexadecimal digits"


def _location(stored: dict[str, Any]) -> dict[str, str]:
    onnx = stored["onnx"]
    return {"file": onnx} if isinstance(onnx, str) else onnx


def _described(stored: dict[str, Any], folder: Path) -> EngineDescription:
    location, normalisation, pixel = _location(stored), stored["normalisation"], stored["pixel_mm"]
    height, width = stored["input_size"]
    low, high = normalisation["clip_percentiles"]
    least, most = normalisation["range"]
    orientations = stored.get("orientations", [[0, False], [0, True]])
    return EngineDescription(
        name=stored["name"],
        folder=folder,
        file=location["file"],
        distribution=location.get("distribution", ""),
        version=location.get("version", ""),
        sha256=stored["sha256"].lower(),
        size_bytes=stored.get("size_bytes", 0),
        input_size=(height, width),
        clip_percentiles=(float(low), float(high)),
        intensity_range=(float(least), float(most)),
        labels={name: stored["labels"][name] for name in LABELS},
        orientations=tuple((turns, mirrored) for turns, mirrored in orientations),
        pixel_mm=PixelRange(float(pixel["least"]), float(pixel["preferred"]), float(pixel["most"])),
        views=tuple(stored["views"]),
        contour_convention=stored.get("contour_convention", "auto"),
        licence=EngineLicence(*(stored["licence"][key] for key in _LICENCES)),
        source=stored["source"],
        install=stored.get("install", ""),
    )

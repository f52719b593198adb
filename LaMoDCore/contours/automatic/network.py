"""Run a contour engine on normalised images; returns class probabilities, averaged over orientations."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from LaMoDCore.contours.automatic.engine import LABELS, EngineDescription, Orientation
from LaMoDCore.heart.geometry import Array, SliceGrid, canonical_grid
from LaMoDCore.runtime.bounded_reads import first_words, read_file
from LaMoDCore.runtime.errors import LaMoDInputError

if TYPE_CHECKING:
    import onnxruntime

#: Largest ONNX file, bytes. It is read here, so that the network cannot name further files to be read.
_LARGEST_NETWORK = 1 << 29
#: Largest sum of a network's arrays, bytes.
_MOST_MEMORY = 1 << 30
#: Probabilities of a pixel may miss a sum of 1 by this much (half precision).
_SUM_TOLERANCE = 0.02
UPRIGHT: Orientation = (0, False)


def orientation_plan(
    frames: int, orientations: Sequence[Orientation], per_frame: int = 2
) -> list[tuple[Orientation, ...]]:
    """Choose the orientations in which each frame of a cycle is processed.

    With fewer orientations per frame than there are, neighbouring frames get different ones; as contours are smoothed
    over neighbouring frames, all of them contribute.

    Args:
        frames: number of frames of the cycle.
        orientations: orientations of the engine, the best first.
        per_frame: how many of them each frame is run in.

    Raises:
        ValueError: fewer than one per frame.
    """
    if per_frame < 1:
        raise ValueError("at least one orientation per frame is needed")
    count = min(per_frame, len(orientations))
    sets = [tuple(orientations[k : k + count]) for k in range(0, len(orientations) - count + 1, count)]
    return [sets[frame % len(sets)] for frame in range(frames)]


def turn_to_upright(grid: SliceGrid) -> Orientation:
    """The turn that brings the pixels of a slice closest to the upright view from the apex.

    In that view the patient's left is on the right (`LaMoDCore.heart.geometry.canonical_grid`). Exports that are
    rotated, flipped or transposed then look alike to the network.
    """
    wanted = canonical_grid(grid, (0.0, 0.0)).directions
    best, score = UPRIGHT, -np.inf
    for turns in range(4):
        for mirrored in (False, True):
            x, y = grid.directions.T
            for _ in range(turns):
                x, y = y, -x
            x = -x if mirrored else x
            fit = float(x @ wanted[:, 0] + y @ wanted[:, 1])
            if fit > score + 1e-9:
                best, score = (turns, mirrored), fit
    return best


def normalised(
    pictures: Array, clip_percentiles: tuple[float, float], intensity_range: tuple[float, float] = (0.0, 1.0)
) -> Array:
    """Frames [..., H, W], each clipped at its percentiles and scaled, float32; constant ones become the least value."""
    low, high = np.percentile(pictures, clip_percentiles, axis=(-2, -1), keepdims=True)
    first, last = intensity_range
    span = np.where(high > low, high - low, 1.0)
    share = np.clip((pictures - low) / span, 0.0, 1.0)
    return np.asarray(first + (last - first) * share, dtype=np.float32)


def _default_threads() -> int:
    """OMP_NUM_THREADS, as PyTorch reads it, or one per core; threads that wait for each other use processor time."""
    wanted = os.environ.get("OMP_NUM_THREADS", "")
    return int(wanted) if wanted.isdecimal() and int(wanted) > 0 else os.cpu_count() or 1


class ContourNetwork:
    """A contour engine with its network loaded.

    Args:
        description: description of the engine.
        threads: number of threads for one forward pass; by default OMP_NUM_THREADS, or one per core.

    Raises:
        LaMoDInputError: onnxruntime or the ONNX file is missing, the file is damaged, has another hash, or takes and
            gives arrays of other shapes than engine.json states.
    """

    def __init__(self, description: EngineDescription, threads: int | None = None) -> None:
        self.description = description
        label = f"contour engine {description.name}"
        file = description.checked_file()
        try:
            import onnxruntime
        except ImportError as error:
            raise LaMoDInputError(
                label, "onnxruntime is not installed", "install it: pip install onnxruntime"
            ) from error
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads or _default_threads()
        options.inter_op_num_threads = 1
        options.log_severity_level = 4
        _limit_memory()
        options.add_session_config_entry("session.use_env_allocators", "1")
        try:
            self._session: onnxruntime.InferenceSession = onnxruntime.InferenceSession(
                read_file(file, _LARGEST_NETWORK), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # onnxruntime raises types of its own, which differ between versions
            raise LaMoDInputError(label, f"{file.name} is not a readable ONNX file", "install it again") from error
        inputs, outputs = self._session.get_inputs(), self._session.get_outputs()
        height, width = description.input_size
        classes = max(description.labels.values()) + 1
        taken = [_fixed(side) for side in inputs[0].shape] if len(inputs) == 1 else []
        given = [_fixed(side) for side in outputs[0].shape] if outputs else []
        if not (_fits(taken, (None, 1, height, width)) and _fits(given, (None, classes, height, width))):
            raise LaMoDInputError(
                label,
                f"{file.name} takes {taken or 'several inputs'} and gives {given}, not [N, 1, {height}, {width}] and "
                f"[N, {classes}, {height}, {width}] as engine.json states",
                "correct engine.json, or use the file that it describes",
            )
        self._input = inputs[0].name

    def normalise(self, pictures: Array) -> Array:
        """Each frame of [..., H, W] clipped at its percentiles and scaled, float32; a constant frame becomes zero."""
        return normalised(pictures, self.description.clip_percentiles, self.description.intensity_range)

    def probabilities(
        self,
        pictures: Array,
        plan: Sequence[Sequence[Orientation]],
        upright: Orientation = UPRIGHT,
        after_frame: Callable[[int], None] | None = None,
    ) -> tuple[Array, Array]:
        """Class probabilities of normalised pictures, averaged over orientations.

        Args:
            pictures: float32 [N, H, W] of the engine's input size.
            plan: orientations of each picture, as `orientation_plan` gives them.
            upright: turn of the pictures to the upright view, as `turn_to_upright` gives it. Quarter turns need a
                square input; other inputs are turned by 180° only.
            after_frame: called with the number of frames done.

        Returns:
            float32 [N, 4, H, W] in the order of `LABELS`, and [N] the agreement of the orientations: the mean over
            pairs of the Dice of their walls; 1 with one orientation.
        """
        height, width = self.description.input_size
        if pictures.ndim != 3 or pictures.shape[1:] != (height, width):
            raise ValueError(f"pictures must be [N, {height}, {width}], got {pictures.shape}")
        order = [self.description.labels[name] for name in LABELS]
        found = np.empty((len(pictures), len(LABELS), height, width), dtype=np.float32)
        agreement = np.ones(len(pictures))
        for n, (picture, orientations) in enumerate(zip(pictures, plan, strict=True)):
            each = [self._turned_run(picture, upright, o)[order] for o in orientations]
            found[n] = np.mean(each, axis=0)
            walls = [probability.argmax(axis=0) == LABELS.index("myocardium") for probability in each]
            pairs = [_dice(a, b) for i, a in enumerate(walls) for b in walls[i + 1 :]]
            agreement[n] = float(np.mean(pairs)) if pairs else 1.0
            if after_frame is not None:
                after_frame(n + 1)
        return found, agreement

    def _turned_run(self, picture: Array, upright: Orientation, orientation: Orientation) -> Array:
        height, width = self.description.input_size
        turns = [o if height == width else (o[0] - o[0] % 2, o[1]) for o in (upright, orientation)]
        for turn in turns:
            picture = _turned(picture, turn)
        found = self._run(picture)
        for turn in reversed(turns):
            found = _turned_back(found, turn)
        return found

    def _run(self, picture: Array) -> Array:
        classes = max(self.description.labels.values()) + 1
        try:
            given = self._session.run(None, {self._input: np.ascontiguousarray(picture)[None, None]})[0]
        except Exception as error:  # onnxruntime raises types of its own, which differ between versions
            raise LaMoDInputError(
                f"contour engine {self.description.name}",
                f"its network cannot be run ({first_words(error)})",
                "install it again, or choose another engine",
            ) from error
        found = np.asarray(given[0] if np.ndim(given) else given, dtype=np.float32)
        if found.shape != (classes, *picture.shape) or not (
            found.min() >= 0 and np.abs(found.sum(axis=0) - 1.0).max() < _SUM_TOLERANCE
        ):
            raise LaMoDInputError(
                f"contour engine {self.description.name}",
                "its output is not probabilities, which lie in 0–1 and sum to 1",
                "export the network with its softmax layer",
            )
        return found


@cache
def _limit_memory() -> None:
    """Limit the arrays of networks: an engine from elsewhere may ask for any size. Older onnxruntime lacks this."""
    import onnxruntime

    with suppress(Exception):
        kind = onnxruntime.OrtAllocatorType.ORT_ARENA_ALLOCATOR
        memory = onnxruntime.OrtMemoryInfo("Cpu", kind, 0, onnxruntime.OrtMemType.DEFAULT)
        onnxruntime.create_and_register_allocator(memory, onnxruntime.OrtArenaCfg({"max_mem": _MOST_MEMORY}))


def _fixed(side: Any) -> int | None:
    """A dimension of an ONNX array: its size, or None where it is symbolic."""
    return side if isinstance(side, int) else None


def _fits(shape: list[int | None], wanted: tuple[int | None, ...]) -> bool:
    return len(shape) == len(wanted) and all(
        a is None or b is None or a == b for a, b in zip(shape, wanted, strict=True)
    )


def _turned(picture: Array, orientation: Orientation) -> Array:
    turned = np.rot90(picture, orientation[0], (-2, -1))
    return turned[..., ::-1] if orientation[1] else turned


def _turned_back(picture: Array, orientation: Orientation) -> Array:
    turned = picture[..., ::-1] if orientation[1] else picture
    return np.rot90(turned, -orientation[0], (-2, -1))


def _dice(one: Array, other: Array) -> float:
    total = int(one.sum() + other.sum())
    return 2.0 * float((one & other).sum()) / total if total else 1.0

"""Synthetic readers: which structures they draw as wall, on how many frames, and with which mean offset."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from LaMoDCore.heart.canonical import periodic_weights
from LaMoDCore.heart.geometry import Array
from LaMoDCore.phantom.heart.contours import PolarContours
from LaMoDCore.phantom.heart.papillary import draw_papillary_muscles, with_papillary_muscles
from LaMoDCore.phantom.heart.slices import CONTOUR_SAMPLES, PhantomSlice
from LaMoDCore.phantom.heart.timecurves import contraction
from LaMoDCore.phantom.imaging.annotator import Annotator, annotate, draw_annotator, leave_out_trabeculae

#: Share of a subject's trabeculated layer by level: on manual contours the drawn wall's area grows by 1.2–1.8 at
#: mid level, but by 0.95–1.3 at base and 0.95–1.5 at apex.
_LAYER_OF_LEVEL = {"base": 0.6, "mid": 1.1, "apex": 0.8}


@dataclass(frozen=True)
class ReaderStyle:
    """The conventions by which a reader draws the slices of one subject.

    Attributes:
        trabeculae_mm: layer left out of the wall at end-diastole and drawn as wall at end-systole,
            see ``leave_out_trabeculae``. A quarter of the readers include it.
        papillary: papillary muscles that touch the wall are drawn as wall (one reader in five).
        bias_mm: (endo, epi) mean offset outwards: normal, SD 0.4 mm each.
        frames: number of frames of the cine: 20–36 in two of three examinations, otherwise 12–75.
    """

    trabeculae_mm: float
    papillary: bool
    bias_mm: tuple[float, float]
    frames: int


def draw_reader_style(rng: np.random.Generator, trabeculae_mm: float) -> ReaderStyle:
    """Draw a style; a trabeculated layer that is left out is uniform in 0…``trabeculae_mm``."""
    layer = trabeculae_mm * rng.uniform(0, 1) if rng.random() < 0.75 else 0.0
    usual = rng.random() < 2 / 3
    return ReaderStyle(
        trabeculae_mm=float(layer),
        papillary=bool(rng.random() < 0.2),
        bias_mm=(float(rng.normal(0, 0.4)), float(rng.normal(0, 0.4))),
        frames=int(rng.integers(20, 37) if usual else rng.integers(12, 76)),
    )


def drawn_cycle(
    plane: PhantomSlice,
    style: ReaderStyle,
    rng: np.random.Generator,
    phases: Array,
    *,
    annotator: Annotator | None = None,
    scene_seed: int = 0,
    samples: int = CONTOUR_SAMPLES,
) -> tuple[PolarContours, float]:
    """The contours that a reader draws on ``style.frames`` frames, interpolated to ``phases`` [T].

    A periodic spline in time interpolates between the drawn frames, as ``heart.canonical.to_canonical`` interpolates
    distances from the contours: few frames reduce the motion. Other arguments and layer are those of ``drawn_frames``.
    """
    drawn_at = np.arange(style.frames) / style.frames
    drawn, layer = drawn_frames(
        plane, style, rng, drawn_at, annotator=annotator, scene_seed=scene_seed, samples=samples
    )
    weights = periodic_weights(drawn_at, phases)
    return PolarContours(weights @ drawn.center, weights @ drawn.endo, weights @ drawn.epi), layer


def drawn_frames(
    plane: PhantomSlice,
    style: ReaderStyle,
    rng: np.random.Generator,
    phases: Array,
    *,
    annotator: Annotator | None = None,
    scene_seed: int = 0,
    samples: int = CONTOUR_SAMPLES,
) -> tuple[PolarContours, float]:
    """The contours that a reader draws on frames at ``phases`` [T].

    Args:
        plane: the slice.
        style: the reader's conventions; ``frames`` is not used.
        rng: generator of the errors and the layer of this slice.
        phases: fractions of R–R.
        annotator: the reader's error model; drawn from ``rng`` if None. Its bias is replaced by the style's.
        scene_seed: random seed of the papillary muscles, the same as of the slice's pictures.
        samples: angles of each contour.

    Returns:
        The contours, and the mean thickness in mm of the layer left out at end-diastole.
    """
    seen = plane.contours(phases, samples=samples)
    habits = annotator or draw_annotator(rng)
    left_out = 0.0
    if style.trabeculae_mm > 0:
        layer = style.trabeculae_mm * _LAYER_OF_LEVEL[plane.level] * rng.uniform(0.7, 1.1)
        contracted = contraction(plane.subject.timing, phases)
        compact = leave_out_trabeculae(seen, layer, contracted)
        relaxed = int(np.argmin(contracted))
        left_out = float((compact.endo - seen.endo)[relaxed].mean())
        seen = compact
    if style.papillary:
        muscles = draw_papillary_muscles(plane, scene_seed)
        seen = with_papillary_muscles(seen, plane, muscles, phases)
    biased = replace(habits, bias_mm=style.bias_mm)
    return annotate(seen, rng, biased, phases), left_out

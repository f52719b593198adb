"""Papillary muscles: their position, their motion with the wall, and contours that include them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter1d

from LaMoDCore.heart.geometry import Array
from LaMoDCore.phantom.heart.contours import PolarContours
from LaMoDCore.phantom.heart.kinematics import polar_map
from LaMoDCore.phantom.heart.slices import PhantomSlice

#: SD of the Gaussian that rounds the corners of such a contour.
_CORNER_RAD = np.deg2rad(4.0)


@dataclass(frozen=True, eq=False)
class PapillaryMuscle:
    """A muscle in the cavity that moves with the wall it is attached to.

    Attributes:
        angle: material angle, rad.
        size_mm: radius at end-diastole (3–5.5 mm at mid level).
        inset: distance of its centre from the endocardium, in radii (0.5: half of it lies within the wall).
    """

    angle: float
    size_mm: float
    inset: float


def draw_papillary_muscles(plane: PhantomSlice, seed: int = 0) -> tuple[PapillaryMuscle, PapillaryMuscle]:
    """The anterolateral and the posteromedial muscle of a slice; smaller at base and apex."""
    rng = np.random.default_rng([24, seed, plane.subject.seed, plane.number])
    shape = plane.parameters.shape
    lateral = 0.5 * (shape.insertion_angle + shape.inferior_angle) + np.pi
    share = {"base": 0.65, "mid": 1.0, "apex": 0.7}[plane.level]
    scale = shape.endo.mean / 26.0
    first, second = (
        PapillaryMuscle(
            angle=float(lateral + side * rng.uniform(0.75, 1.15)),
            size_mm=float(rng.uniform(3.6, 5.4) * share * scale),
            inset=float(rng.uniform(0.45, 1.35)),
        )
        for side in (-1, 1)
    )
    return first, second


def endocardial_turn(plane: PhantomSlice, phases: npt.ArrayLike, samples: int) -> Array:
    """[T, M] rad: rotation of the endocardial tissue over the material angle."""
    theta = np.arange(samples) * 2 * np.pi / samples
    return polar_map(plane.wall_state(phases), plane.parameters.shape.endo(theta), theta).turn


def muscle_disc(plane: PhantomSlice, muscle: PapillaryMuscle, turn: Array, rim: Array) -> tuple[complex, float]:
    """Centre (relative to the ventricle's, complex) and radius in mm of a muscle in one frame.

    Args:
        plane: the slice.
        muscle: a muscle of that slice.
        turn: [M], rotation of the endocardial tissue in that frame, see ``endocardial_turn``.
        rim: [M], radius of the endocardium in that frame.
    """
    count = rim.shape[0]
    theta = np.arange(count) * 2 * np.pi / count
    place = muscle.angle + float(np.interp(muscle.angle % (2 * np.pi), theta, turn))
    here = float(rim[round(place * count / (2 * np.pi)) % count])
    reference = float(plane.parameters.shape.endo(np.array([muscle.angle]))[0])
    size = muscle.size_mm * float(np.sqrt(here / reference))
    center = max(here - muscle.inset * size, 0.0) * np.exp(1j * place)
    return complex(center), size


def with_papillary_muscles(
    contours: PolarContours, plane: PhantomSlice, muscles: Sequence[PapillaryMuscle], phases: npt.ArrayLike
) -> PolarContours:
    """The contours of a reader who draws the muscles that touch the wall as wall.

    The endocardial contour [T, M] runs around them with rounded corners; at least 30 % of the radius remains.
    """
    samples = contours.endo.shape[1]
    theta = np.arange(samples) * 2 * np.pi / samples
    turn = endocardial_turn(plane, phases, samples)
    endo = contours.endo.copy()
    for frame, rim in enumerate(contours.endo):
        for muscle in muscles:
            if muscle.inset > 1:
                continue
            center, size = muscle_disc(plane, muscle, turn[frame], rim)
            away = theta - np.angle(center)
            reach = size**2 - (abs(center) * np.sin(away)) ** 2
            before = abs(center) * np.cos(away) - np.sqrt(np.maximum(reach, 0.0))
            hit = (reach > 0) & (np.cos(away) > 0)
            endo[frame] = np.where(hit, np.minimum(endo[frame], np.maximum(before, 0.3 * rim)), endo[frame])
    rounded = gaussian_filter1d(endo - contours.endo, _CORNER_RAD * samples / (2 * np.pi), axis=1, mode="wrap")
    return PolarContours(contours.center, contours.endo + rounded, contours.epi)

"""The tissues in a short-axis picture: ventricles, papillary muscles, fat, lung, chest wall and liver.

Only the left-ventricular wall is exact; the rest makes the images realistic. Positions are those of
``PhantomSlice``: mm from the ventricle's end-diastolic centre, x towards the patient's left, y down, seen from the
apex. The imaginary part of complex positions points up.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property

import numpy as np
import numpy.typing as npt

from LaMoDCore.heart.geometry import Array
from LaMoDCore.phantom.heart.contours import PolarContours
from LaMoDCore.phantom.heart.fourier import AngularSeries, random_series
from LaMoDCore.phantom.heart.papillary import PapillaryMuscle, draw_papillary_muscles, endocardial_turn, muscle_disc
from LaMoDCore.phantom.heart.slices import PhantomSlice
from LaMoDCore.phantom.heart.timecurves import contraction


class Tissue(IntEnum):
    """Index into a protocol's signal table."""

    AIR = 0
    LUNG = 1
    MYOCARDIUM = 2
    BLOOD = 3
    FAT = 4
    MUSCLE = 5
    LIVER = 6
    PERICARDIUM = 7
    MEDIASTINUM = 8


@dataclass(frozen=True, eq=False)
class Scene:
    """The surroundings of one slice, drawn with a seed.

    Attributes:
        plane: the slice.
        papillary: papillary muscles.
        trabeculae: height of the trabeculated layer over the material angle, mm; none where it is negative.
        rv_bulge_mm: width of the right ventricle at end-diastole (base 30–42, apex 10–20).
        rv_wall_mm: thickness of its free wall (2.4–3.6).
        rv_shortening: share of that width lost at end-systole (0.25–0.45).
        fat: thickness of epicardial fat over the angle, mm; none where it is negative.
        chest_mm: distance of the chest wall above the centre.
        chest_tilt: tilt of the chest wall, rad.
        fat_layer_mm: thickness of subcutaneous fat.
        diaphragm_mm: distance of the diaphragm's dome below the centre.
        vessels: [V, 3] x, y, radius of vessels in lung and liver.
    """

    plane: PhantomSlice
    papillary: tuple[PapillaryMuscle, ...]
    trabeculae: AngularSeries
    rv_bulge_mm: float
    rv_wall_mm: float
    rv_shortening: float
    fat: AngularSeries
    chest_mm: float
    chest_tilt: float
    fat_layer_mm: float
    diaphragm_mm: float
    vessels: Array

    def at(self, phases: npt.ArrayLike) -> SceneMotion:
        """The scene at phases [T]."""
        return SceneMotion(self, np.asarray(phases, dtype=np.float64).reshape(-1))

    def static_tissue(self, xy: Array) -> Array:
        """Tissue [...] at positions xy [..., 2] outside the heart."""
        x, y = xy[..., 0], xy[..., 1]
        cosine, sine = np.cos(self.chest_tilt), np.sin(self.chest_tilt)
        along, up = x * cosine - y * sine, -y * cosine - x * sine
        height = up + along**2 / 520.0 - self.chest_mm + 1.5 * np.sin(along / 17.0)
        tissue = np.full(x.shape, Tissue.LUNG, dtype=np.uint8)
        dome = y - self.diaphragm_mm - (x + 12.0) ** 2 / 900.0 - 0.10 * x
        # On the patient's right the mediastinum, not lung, adjoins the heart.
        wobble = 0.12 * np.sin(y / 9.0) + 0.08 * np.sin(x / 7.0 + y / 13.0)
        pad = ((x + 38.0) / 34.0) ** 2 + ((y + 6.0) / 62.0) ** 2 + wobble
        tissue[pad < 1] = Tissue.MEDIASTINUM
        tissue[dome > 0] = Tissue.LIVER
        tissue[(dome > 0) & (dome < 2.5)] = Tissue.MUSCLE
        stomach = (x - 42.0) ** 2 / 36.0**2 + (y - self.diaphragm_mm - 30.0) ** 2 / 20.0**2
        tissue[(dome > 2.5) & (stomach < 1.25)] = Tissue.MUSCLE
        tissue[(dome > 2.5) & (stomach < 0.95)] = Tissue.LUNG
        for vx, vy, radius in self.vessels:
            tissue[(x - vx) ** 2 + (y - vy) ** 2 < radius**2] = Tissue.BLOOD
        tissue[height > -2.0] = Tissue.MEDIASTINUM
        tissue[height > 0] = Tissue.MUSCLE
        marrow = 3.2**2 - (height - 6.5) ** 2 - (np.mod(along + 8.0, 36.0) - 18.0) ** 2 / 9.0
        tissue[marrow > 0] = Tissue.MEDIASTINUM
        tissue[height > 13.0] = Tissue.FAT
        tissue[height > 13.0 + self.fat_layer_mm] = Tissue.AIR
        return tissue


@dataclass(frozen=True, eq=False)
class SceneMotion:
    """A scene at T phases."""

    scene: Scene
    phases: Array

    @cached_property
    def contours(self) -> PolarContours:
        return self.scene.plane.contours(self.phases)

    @cached_property
    def _endo_turn(self) -> Array:
        return endocardial_turn(self.scene.plane, self.phases, self.contours.endo.shape[1])

    @cached_property
    def _work(self) -> Array:
        return contraction(self.scene.plane.subject.timing, self.phases)

    def heart_tissue(self, frame: int, xy: Array, above_mm: float = 0.0) -> Array:
        """Tissue [...] of the heart at positions xy [..., 2], 255 outside it.

        Args:
            frame: index into the phases.
            xy: positions.
            above_mm: distance of the section from the plane, towards the base (partial volume of thick slices).
        """
        (tissue,) = self.heart_sections(frame, xy, (above_mm,))
        return tissue

    def heart_sections(self, frame: int, xy: Array, above_mm: Sequence[float]) -> Iterator[Array]:
        """As `heart_tissue` at several distances from the plane."""
        scene, count = self.scene, self.contours.endo.shape[1]
        offset = xy[..., 0] - 1j * xy[..., 1] - self.contours.center[frame]
        radius, angle = np.abs(offset), np.mod(np.angle(offset), 2 * np.pi)
        index = np.rint(angle * count / (2 * np.pi)).astype(np.intp) % count
        fat = np.clip(scene.fat(np.arange(count) * 2 * np.pi / count), 0.0, 9.0)[index]
        right = self._rv_width(frame, angle)
        layer, papillary = self._muscles(frame, offset, index)
        for above in above_mm:
            widening = 1 + scene.plane.parameters.taper_per_mm * above
            endo, epi = self.contours.endo[frame][index] * widening, self.contours.epi[frame][index] * widening
            tissue = np.full(radius.shape, 255, dtype=np.uint8)
            outer = epi + right
            tissue[radius < outer + fat + 0.8] = Tissue.PERICARDIUM
            tissue[radius < outer + fat] = Tissue.FAT
            tissue[radius < outer] = Tissue.MYOCARDIUM
            tissue[(radius < outer - scene.rv_wall_mm) & (radius > epi)] = Tissue.BLOOD
            tissue[radius <= epi] = Tissue.MYOCARDIUM
            tissue[radius < endo] = Tissue.BLOOD
            tissue[(radius < endo) & (papillary | (radius > endo - layer))] = Tissue.MYOCARDIUM
            yield tissue

    def right_ventricle(self, frame: int, xy: Array) -> Array:
        """Blood pool of the right ventricle, bool [...] at positions xy [..., 2]."""
        offset = xy[..., 0] - 1j * xy[..., 1] - self.contours.center[frame]
        radius, angle = np.abs(offset), np.mod(np.angle(offset), 2 * np.pi)
        count = self.contours.epi.shape[1]
        epi = self.contours.epi[frame][np.rint(angle * count / (2 * np.pi)).astype(np.intp) % count]
        return np.asarray((radius > epi) & (radius < epi + self._rv_width(frame, angle) - self.scene.rv_wall_mm))

    def _rv_width(self, frame: int, angle: Array) -> Array:
        """Distance of the right ventricle's outer wall from the septum's right side; 0 outside the crescent."""
        shape = self.scene.plane.parameters.shape
        turned = np.deg2rad(self.scene.plane.parameters.rotation_epi_deg) * self._work[frame]
        margin = 0.10
        span = shape.inferior_angle - shape.insertion_angle + 2 * margin
        place = np.mod(angle - turned - shape.insertion_angle + margin, 2 * np.pi) / span
        # Wider on the anterior side, towards the outflow tract.
        bulge = np.sin(np.pi * np.clip(place, 0, 1) ** 0.85) ** 0.62
        width = self.scene.rv_bulge_mm * (1 - self.scene.rv_shortening * self._work[frame])
        return np.asarray(width * np.where(place < 1, bulge, 0.0))

    def _muscles(self, frame: int, offset: Array, index: Array) -> tuple[Array, Array]:
        """Height of the trabeculated layer, mm [...], and whether a position is in a papillary muscle, bool [...]."""
        scene, count = self.scene, self.contours.endo.shape[1]
        theta = np.arange(count) * 2 * np.pi / count
        turn = self._endo_turn[frame]
        material = np.interp(theta, theta + turn, theta, period=2 * np.pi)
        height = np.minimum(scene.trabeculae(material), 6.0)
        inside = np.zeros(offset.shape, dtype=bool)
        for muscle in scene.papillary:
            center, size = muscle_disc(scene.plane, muscle, turn, self.contours.endo[frame])
            inside |= np.abs(offset - center) < size
        return height[index], inside


def draw_scene(plane: PhantomSlice, seed: int = 0) -> Scene:
    """Draw the surroundings of a slice; all slices of a subject share the thorax."""
    subject = plane.subject
    rng = np.random.default_rng([21, seed, subject.seed])
    chest = float(rng.uniform(5, 13))
    thorax = {
        "chest_mm": _front(plane) + chest,
        "chest_tilt": float(rng.uniform(-0.15, 0.30)),
        "fat_layer_mm": float(rng.uniform(8, 30)),
        "diaphragm_mm": _front(plane) + float(rng.uniform(-2, 5)),
    }
    own = np.random.default_rng([22, seed, subject.seed, plane.number])
    shape = plane.parameters.shape
    septum = shape.inferior_angle - shape.insertion_angle
    lateral = shape.insertion_angle + septum / 2 + np.pi
    scale = plane.parameters.shape.endo.mean / 26.0
    relative = plane.parameters.place
    fat = random_series(own, 0.3, [2.0, 1.4, 1.0, 0.7])
    crescent = 3.5 * own.uniform(0.3, 1.6)
    fat.coefficients[1] += crescent * np.exp(-1j * lateral)
    vessels = np.column_stack(
        [
            np.concatenate([own.uniform(55, 95, 5), own.uniform(-80, -20, 4)]),
            np.concatenate([own.uniform(-10, 45, 5), own.uniform(60, 95, 4)]),
            own.uniform(1.2, 3.6, 9),
        ]
    )
    return Scene(
        plane=plane,
        papillary=draw_papillary_muscles(plane, seed),
        trabeculae=random_series(
            own, -1.1, [1.1, 1.0, 0.8, 0.6, 0.7, 0.6, 0.8, 0.7, 0.9, 0.6, 0.7, 0.7, 0.5, 0.5, 0.4]
        ),
        rv_bulge_mm=float((38 - 26 * relative) * own.uniform(0.85, 1.15) * np.sqrt(scale)),
        rv_wall_mm=float(rng.uniform(2.4, 3.6)),
        rv_shortening=float(rng.uniform(0.25, 0.45)),
        fat=fat,
        vessels=vessels,
        **thorax,
    )


def _front(plane: PhantomSlice) -> float:
    """The largest epicardial radius of the subject, for which the thorax leaves room."""
    return max(float(p.shape.epi.mean) for p in plane.subject.slice_parameters)

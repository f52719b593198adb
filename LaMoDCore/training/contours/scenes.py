"""Tissue and label maps of random phantom scenes, from which training pictures are drawn.

Anatomy is drawn from wider ranges than real hearts have (Tobin et al. 2017), as the network meets hearts that the
phantom does not describe.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace

import numpy as np

from LaMoDCore.contours.automatic.engine import LABELS
from LaMoDCore.heart.geometry import Array
from LaMoDCore.phantom.heart.papillary import PapillaryMuscle
from LaMoDCore.phantom.heart.randomised import randomised
from LaMoDCore.phantom.heart.slices import PhantomSlice
from LaMoDCore.phantom.heart.subject import sample_subject
from LaMoDCore.phantom.imaging.scene import Scene, SceneMotion, Tissue, draw_scene
from LaMoDCore.runtime.progress import SILENT, Progress
from LaMoDCore.runtime.worker_pool import WorkerDied, answers

#: Maps have SIDE × SIDE pixels of PIXEL_MM; the ventricle's end-diastolic centre lies in the middle.
SIDE = 288
PIXEL_MM = 1.0
#: A map holds CODES · tissue + label.
CODES = len(LABELS)
BACKGROUND, RIGHT, WALL, CAVITY = range(CODES)
#: Phases drawn of each of a subject's four planes.
_PHASES = 2
#: Maps of a subject: those, and one each beyond the apex, above the base and through the outflow tract.
MAPS_PER_SUBJECT = 4 * _PHASES + 3
#: The heart lies within this many middle pixels.
_HEART_SIDE = 240
#: Outside the heart.
_NONE = 255
_STREAM = 0x5CE7E
#: Share of the subjects that come from the wider distribution.
_WIDER = 0.7


@dataclass(frozen=True)
class _Draw:
    """Draws the maps of a subject; picklable, for worker processes."""

    seed: int

    def __call__(self) -> Callable[[int], Array]:
        return lambda number: subject_maps(number, self.seed)


def scene_maps(subjects: int, seed: int, *, workers: int = 1, progress: Progress = SILENT) -> Array:
    """Maps uint8 [subjects · MAPS_PER_SUBJECT, SIDE, SIDE] of random scenes; the number of workers does not matter.

    Args:
        subjects: number of synthetic subjects.
        seed: random seed.
        workers: number of processes.
        progress: receives the share done.

    Raises:
        MemoryError: a process was killed.
    """
    maps = np.empty((subjects, MAPS_PER_SUBJECT, SIDE, SIDE), dtype=np.uint8)
    with closing(answers(range(subjects), _Draw(seed), workers)) as finished:
        for done, (number, found) in enumerate(finished, start=1):
            if isinstance(found, WorkerDied):
                raise MemoryError(f"a process that draws scenes was killed (exit code {found.exit_code})")
            maps[number] = found
            progress.update("scenes", done / subjects, f"{done} of {subjects} subjects")
    return maps.reshape(-1, SIDE, SIDE)


def subject_maps(number: int, seed: int) -> Array:
    """Maps uint8 [MAPS_PER_SUBJECT, SIDE, SIDE] of one subject: base to apex, beyond the apex and above the base."""
    rng = np.random.default_rng([_STREAM, seed, number])
    subject = sample_subject(int(rng.integers(1 << 31)))
    if rng.random() < _WIDER:
        subject = randomised(subject, rng)
    scenes = [varied_scene(draw_scene(plane, number), rng) for plane in subject.slices()]
    found = []
    for scene in scenes:
        motion, around = scene.at(rng.random(_PHASES)), _surroundings(scene)
        found += [_with_heart(around, _ventricle(motion, frame)) for frame in range(_PHASES)]
    base, apex = scenes[0], scenes[-1]
    found.append(_with_heart(_surroundings(apex), _beyond_apex(apex.at(rng.random(1)), rng)))
    around = _surroundings(base)
    found.append(_with_heart(around, _above_base(base.at(rng.random(1)), rng)))
    found.append(_with_heart(around, _outflow(base.at(rng.random(1)), rng)))
    return np.stack(found)


def varied_scene(scene: Scene, rng: np.random.Generator) -> Scene:
    """The scene with another right ventricle, other papillary muscles, trabeculae, fat and thorax."""
    widened = scene.plane.parameters.shape.endo.mean / 26.0
    # Trabeculae and papillary muscles keep their volume, so they fill much of a contracted cavity.
    trabeculae = replace(scene.trabeculae, coefficients=scene.trabeculae.coefficients * np.exp(rng.uniform(-0.7, 0.6)))
    trabeculae.coefficients[0] = rng.uniform(-3.0, 2.0)
    fat = replace(scene.fat, coefficients=scene.fat.coefficients * rng.uniform(0.3, 2.0))
    fat.coefficients[0] += rng.uniform(-1.0, 2.5)
    return replace(
        scene,
        papillary=tuple(_muscle(scene.plane, rng, float(widened)) for _ in range(rng.integers(0, 6))),
        trabeculae=trabeculae,
        rv_bulge_mm=scene.rv_bulge_mm * float(rng.uniform(0.5, 1.5)),
        rv_wall_mm=float(rng.uniform(1.5, 5.0)),
        rv_shortening=float(rng.uniform(0.05, 0.5)),
        fat=fat,
        chest_mm=scene.chest_mm + float(rng.uniform(-4, 25)),
        chest_tilt=float(rng.uniform(-0.5, 0.6)),
        fat_layer_mm=float(rng.uniform(3, 40)),
        diaphragm_mm=scene.diaphragm_mm + float(rng.uniform(-5, 20)),
    )


def _muscle(plane: PhantomSlice, rng: np.random.Generator, scale: float) -> PapillaryMuscle:
    shape = plane.parameters.shape
    lateral = 0.5 * (shape.insertion_angle + shape.inferior_angle) + np.pi
    size = float(rng.uniform(1.5, 7.5)) * scale
    return PapillaryMuscle(float(lateral + rng.normal(0, 1.0)), size, float(rng.uniform(0.2, 2.0)))


def _positions(side: int) -> Array:
    """[side, side, 2]: in-plane positions of the middle pixels of a map, mm."""
    y, x = (np.indices((side, side)) - (side - 1) / 2) * PIXEL_MM
    return np.stack([x, y], axis=-1)


def _surroundings(scene: Scene) -> Array:
    """Codes [SIDE, SIDE] without the heart."""
    return _codes(scene.static_tissue(_positions(SIDE)), BACKGROUND)


def _with_heart(around: Array, heart: Array) -> Array:
    """The surroundings with the codes of a heart [_HEART_SIDE, _HEART_SIDE] in the middle, _NONE outside it."""
    found = around.copy()
    first = (SIDE - _HEART_SIDE) // 2
    middle = found[first : first + _HEART_SIDE, first : first + _HEART_SIDE]
    middle[heart != _NONE] = heart[heart != _NONE]
    return found


def _ventricle(motion: SceneMotion, frame: int) -> Array:
    """The heart of a frame that shows the ventricle."""
    xy = _positions(_HEART_SIDE)
    endo, epi = motion.contours.signed_distances(frame, xy)
    label = np.zeros(endo.shape, dtype=np.uint8)
    label[motion.right_ventricle(frame, xy)] = RIGHT
    label[epi >= 0] = WALL
    label[endo >= 0] = CAVITY
    return _codes(motion.heart_tissue(frame, xy), label)


def _beyond_apex(motion: SceneMotion, rng: np.random.Generator) -> Array:
    """A small disc of muscle without a cavity, and no label."""
    tissue = motion.heart_tissue(0, _positions(_HEART_SIDE) * rng.uniform(1.2, 3.0))
    tissue[tissue == Tissue.BLOOD] = Tissue.MYOCARDIUM
    return _codes(tissue, BACKGROUND)


def _above_base(motion: SceneMotion, rng: np.random.Generator) -> Array:
    """Atria: blood within a wall of 1–2.5 mm, and no label."""
    xy = _positions(_HEART_SIDE)
    tissue = motion.heart_tissue(0, xy)
    _, epi = motion.contours.signed_distances(0, xy)
    tissue[epi >= rng.uniform(1.0, 2.5)] = Tissue.BLOOD
    return _codes(tissue, BACKGROUND)


def _outflow(motion: SceneMotion, rng: np.random.Generator) -> Array:
    """A ventricle whose wall is open in a sector, where the cavity reaches to a thin membrane."""
    xy = _positions(_HEART_SIDE)
    found = _ventricle(motion, 0)
    endo, epi = motion.contours.signed_distances(0, xy)
    shape = motion.scene.plane.parameters.shape
    septum = 0.5 * (shape.insertion_angle + shape.inferior_angle)
    center = septum + rng.normal(0, 0.7) if rng.random() < 0.7 else rng.uniform(0, 2 * np.pi)
    angle = np.angle((xy[..., 0] - 1j * xy[..., 1] - motion.contours.center[0]) * np.exp(-1j * center))
    sector = np.abs(angle) < np.deg2rad(rng.uniform(25, 80))
    membrane = rng.uniform(0.8, 2.0)
    found[sector & (epi >= 0) & (epi < membrane)] = CODES * Tissue.MYOCARDIUM + BACKGROUND
    found[sector & (endo < 0) & (epi >= membrane)] = CODES * Tissue.BLOOD + CAVITY
    return found


def _codes(tissue: Array, label: Array | int) -> Array:
    """Codes of tissue and label; _NONE where the tissue is 255, outside the heart."""
    return np.asarray(np.where(tissue == _NONE, _NONE, CODES * tissue.astype(np.int64) + label), dtype=np.uint8)

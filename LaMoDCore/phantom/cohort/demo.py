"""The built-in case of `lamod demo`: a base, a mid and an apical slice of a synthetic heart, with cine pictures."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from LaMoDCore.heart.case import Case, CineSlice, InputRecord
from LaMoDCore.heart.geometry import Array
from LaMoDCore.heart.notes import note
from LaMoDCore.phantom.heart.slices import PhantomSlice
from LaMoDCore.phantom.heart.subject import Subject, sample_subject
from LaMoDCore.phantom.imaging.annotator import Annotator, annotate
from LaMoDCore.phantom.imaging.cine import CineProtocol, cine_grid, cine_pictures
from LaMoDCore.phantom.imaging.scene import draw_scene

_PROTOCOL = CineProtocol(pixel_mm=1.4, shape=(160, 176), frames=25, rotation_deg=9.0)
_PLANES = ("base", "mid-1", "apex")


@dataclass(frozen=True, eq=False)
class DemoTruth:
    """The true motion of the demo case, one entry per slice.

    Attributes:
        subject: the synthetic person.
        planes: the subject's slices.
        displacement_mm: each float32 [T, 2, H, W] along the slice's (x, y), on its grid and frames.
        myocardium: each bool [T, H, W], without an annotator's errors.
    """

    subject: Subject
    planes: tuple[PhantomSlice, ...]
    displacement_mm: tuple[Array, ...]
    myocardium: tuple[Array, ...]


def demo_subject(seed: int = 0) -> Subject:
    """The subject of ``demo_case(seed)``, with an infarct."""
    return sample_subject(9126 + seed, "infarct")


def demo_planes(seed: int = 0) -> tuple[PhantomSlice, ...]:
    """The base, mid and apical slice of ``demo_subject(seed)``."""
    return tuple(plane for plane in demo_subject(seed).slices() if plane.name in _PLANES)


def demo_case(seed: int = 0) -> Case:
    """A typical clinical case: three slices of 25 frames with contours, pictures and the RV insertion.

    Args:
        seed: each number gives another heart.
    """
    phases = np.arange(_PROTOCOL.frames) / _PROTOCOL.frames
    slices = []
    for number, plane in enumerate(demo_planes(seed)):
        grid = cine_grid(plane, _PROTOCOL, offset_mm=(6.0, -9.0))
        xy = plane.points_of(grid)
        scene = draw_scene(plane, seed)
        rng = np.random.default_rng([31, seed, number])
        drawn = annotate(plane.contours(phases), rng, Annotator(error_mm=0.8))
        myocardium = drawn.rasterise(xy)
        motion = scene.at(phases)
        right = np.stack([motion.right_ventricle(frame, xy) for frame in range(phases.size)])
        slices.append(
            CineSlice(
                name=plane.name,
                grid=grid,
                myocardium=myocardium,
                frame_times_ms=phases * plane.rr_ms,
                rr_ms=plane.rr_ms,
                level=plane.level,
                level_known=True,
                cavity=drawn.cavity(xy),
                right_ventricle=right & ~myocardium,
                cine=cine_pictures(plane, grid, phases, _PROTOCOL, seed=seed, scene=scene),
            )
        )
    return Case(
        slices=tuple(slices),
        reference_frame=0,
        rv_insertion_lps=demo_planes(seed)[1].rv_insertion_lps,
        inputs=(InputRecord(name=f"built-in demo case, seed {seed}", sha256=""),),
        notes=(note("synthetic_heart", "This is a synthetic heart with an infarct, not a patient."),),
    )


def demo_truth(seed: int = 0) -> DemoTruth:
    """The true motion and the true masks of ``demo_case(seed)``, on the same grids and frames."""
    phases = np.arange(_PROTOCOL.frames) / _PROTOCOL.frames
    planes = demo_planes(seed)
    grids = [cine_grid(plane, _PROTOCOL, offset_mm=(6.0, -9.0)) for plane in planes]
    return DemoTruth(
        subject=demo_subject(seed),
        planes=planes,
        displacement_mm=tuple(
            plane.displacement_on(phases, grid).astype(np.float32) for plane, grid in zip(planes, grids, strict=True)
        ),
        myocardium=tuple(plane.masks(phases, grid) for plane, grid in zip(planes, grids, strict=True)),
    )

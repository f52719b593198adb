"""Validation pictures: the phantom's simulated cines of other subjects, none of them with random contrast."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from LaMoDCore.contours.automatic.network import normalised
from LaMoDCore.phantom.heart.subject import sample_subject
from LaMoDCore.phantom.imaging.cine import cine_grid, cine_pictures, draw_cine_protocol
from LaMoDCore.phantom.imaging.scene import draw_scene
from LaMoDCore.training.contours.pictures import PictureSize
from LaMoDCore.training.contours.scenes import CAVITY, RIGHT, WALL

_STREAM = 0xC14E
_PHASES = 2


def validation_pictures(subjects: int, seed: int, size: PictureSize) -> tuple[Tensor, Tensor]:
    """Pictures float32 [N, 1, side, side] within 0–1 and labels int64 [N, side, side] of synthetic subjects.

    Each subject gives its four planes in two phases, with the protocol of a random site. The pictures come from
    `LaMoDCore.phantom.imaging.cine`, not from the generator of the training pictures.
    """
    pictures, labels = [], []
    for number in range(subjects):
        rng = np.random.default_rng([_STREAM, seed, number])
        subject = sample_subject(int(rng.integers(1 << 31)))
        protocol = replace(
            draw_cine_protocol(rng, int(rng.integers(4))), pixel_mm=size.pixel_mm, shape=(size.side, size.side)
        )
        for plane in subject.slices():
            scene, phases = draw_scene(plane, number), rng.random(_PHASES)
            grid = cine_grid(plane, protocol, offset_mm=(float(rng.normal(0, 12)), float(rng.normal(0, 12))))
            xy, motion = plane.points_of(grid), scene.at(phases)
            frames = cine_pictures(plane, grid, phases, protocol, seed=number, scene=scene)
            found = np.zeros(frames.shape, dtype=np.int64)
            for frame in range(_PHASES):
                found[frame][motion.right_ventricle(frame, xy)] = RIGHT
            found[motion.contours.rasterise(xy)] = WALL
            found[motion.contours.cavity(xy)] = CAVITY
            pictures.append(normalised(frames, size.clip_percentiles))
            labels.append(found)
    return torch.from_numpy(np.concatenate(pictures))[:, None], torch.from_numpy(np.concatenate(labels))

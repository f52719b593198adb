"""Small results for the tests of the page, and a reader of what it embeds."""

from __future__ import annotations

import base64
import dataclasses
import json
import re
import zlib

import numpy as np
from contracting_heart import contracting_heart, short_axis_grid

from LaMoDCore.heart.long_axis.view import LongAxisView
from LaMoDCore.heart.long_axis.wall_lines import INTERVALS
from LaMoDCore.prediction.long_axis import long_axis_numbers
from LaMoDCore.strain import summarise

SHAPE, SPACING = (76, 80), (1.4, 1.3)
#: A name that would run a script, end a style, turn the text around and widen the page.
HOSTILE = "<script>alert(1)</script>\"'&</style>\u202eesrever" + "x" * 300


def small_heart(levels=("base", "mid"), *, frames=8, samples=3, from_base=False, with_cine=True):
    """A result of small slices; the inferolateral wall of the first one stretches."""
    grids = [
        short_axis_grid(SHAPE, SPACING, offset_mm=-8.0 * z, from_base=from_base, turn_deg=120 if from_base else 20)
        for z in range(len(levels))
    ]
    return infarcted(contracting_heart(levels, frames=frames, samples=samples, grids=grids, with_cine=with_cine))


def infarcted(result):
    """The same motion, with an inferolateral wall of the first slice that stretches by up to 18 %."""
    strain = result.slices[0]
    number = strain.segment_names.index("inferolateral") + 1
    course = np.abs(strain.segment_curves["ecc"][number - 1])
    course = 0.18 * course / course.max()
    inside = strain.segment == number
    ecc = np.where(inside, course[:, None, None], strain.fields["ecc"]).astype(np.float32)
    curves = strain.segment_curves["ecc"].copy()
    curves[number - 1] = course
    changed = dataclasses.replace(
        strain,
        fields={**strain.fields, "ecc": ecc},
        segment_curves={**strain.segment_curves, "ecc": curves},
        global_curves={**strain.global_curves, "ecc": ecc[:, strain.myocardium].mean(axis=1)},
    )
    slices = (changed, *result.slices[1:])
    summary = {**summarise(result.case, slices, result.es_frame), "provenance": result.summary["provenance"]}
    return dataclasses.replace(result, slices=slices, summary=summary)


def with_names(result, name):
    """The result with a name for its slices and its input file."""
    slices = tuple(dataclasses.replace(cine, name=name) for cine in result.case.slices)
    provenance = {**result.summary["provenance"], "inputs": [{"name": name, "sha256": "0" * 64}]}
    summary = {**result.summary, "provenance": provenance}
    return dataclasses.replace(result, case=dataclasses.replace(result.case, slices=slices), summary=summary)


def embedded(page):
    """The data that a page embeds for its script."""
    return json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.S)[1])


def unpacked(text, dtype):
    return np.frombuffer(zlib.decompress(base64.b64decode(text)), dtype=np.dtype(dtype).newbyteorder("<"))


def long_axis_views(frames=8):
    """A four- and a two-chamber view: half-ellipses that shorten by 15 % towards the apex; the first with images."""
    views = []
    for kind, turn in (("four_chamber", 0.0), ("two_chamber", 90.0)):
        grid = short_axis_grid(SHAPE, SPACING, turn_deg=turn)
        angle = np.linspace(np.pi, 0.0, 2 * INTERVALS + 1)
        course = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(frames) / frames)
        lines = []
        for radius, length in ((18.0, 60.0), (26.0, 68.0)):
            x = 50.0 + radius * (1 - 0.15 * course[:, None]) * np.cos(angle)
            y = 85.0 - 68.0 * (1 - 0.15 * course[:, None]) * (1 - np.sin(angle) * length / 68.0)
            lines.append(np.stack([x, y], axis=-1))
        cine = np.broadcast_to(np.linspace(0, 200, SHAPE[1], dtype=np.float32), (frames, *SHAPE))
        views.append(
            LongAxisView(
                name=HOSTILE,
                grid=grid,
                endo_mm=lines[0],
                epi_mm=lines[1],
                annulus_mm=lines[0][:, [0, -1]],
                frame_times_ms=np.arange(frames) * 100.0,
                rr_ms=100.0 * frames,
                kind=kind,
                cine=cine if kind == "four_chamber" else None,
            )
        )
    return views


def with_views(result, views):
    """The result with the numbers of long-axis views."""
    return dataclasses.replace(result, summary={**result.summary, "long_axis": long_axis_numbers(views)})

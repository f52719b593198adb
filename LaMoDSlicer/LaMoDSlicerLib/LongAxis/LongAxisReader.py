"""Reads the used long-axis slices of the heart from the scene as one request."""

import hashlib
import json
from typing import Any

import numpy as np

from LaMoDSlicerLib.Heart.SliceRow import SliceRow
from LaMoDSlicerLib.LongAxis import LandmarkNodes, LongAxisRows
from LaMoDSlicerLib.LongAxis.LongAxisRequest import LongAxisPart, LongAxisRequest
from LaMoDSlicerLib.LongAxis.LongAxisSlice import LongAxisSlice
from LaMoDSlicerLib.Scene.CineSource import CineSource


def read(model: Any) -> LongAxisRequest | None:
    """The request of the used long-axis slices; None if there are none.

    Args:
        model: the HeartModel.
    """
    parts = tuple(_part(row) for row in model.longAxisRows)
    return LongAxisRequest(parts) if parts else None


def _part(row: SliceRow) -> LongAxisPart:
    one = LongAxisRows.sliceOf(row)
    named = LongAxisRows.namedView(one) or ""
    cine = one.series.cine
    images = CineSource(cine).frames()[:, one.depth].astype(np.float32) if cine is not None else None
    nodes = (one.series.cine, one.series.masks)
    return LongAxisPart(
        slice=one,
        chosenView=named,
        view=row.finalLevel,
        images=images,
        landmarksLps=LandmarkNodes.placedIn(one),
        digest=digestOf(one),
        nodeIds=tuple(node.GetID() if node is not None else "" for node in nodes),
    )


def digestOf(one: LongAxisSlice) -> str:
    """A hash of what a result of a slice depends on: contours, chosen view and placed landmarks."""
    placed = {frame: np.round(points, 2).tolist() for frame, points in LandmarkNodes.placedIn(one).items()}
    content = json.dumps([one.digest(), LongAxisRows.namedView(one), sorted(placed.items())])
    return hashlib.sha256(content.encode()).hexdigest()[:16]

"""The texts of a Matplotlib page that are drawn, with the area that each covers, for tests of their places."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.path import Path
from matplotlib.text import Text

#: Overlap that is not seen, pixels: the height of a line includes space above its letters.
UNSEEN = 1.0


def drawn_texts(page) -> list[tuple[str, np.ndarray]]:
    """The text and the corners [4, 2] in pixels of each text that is drawn; ticks outside their axes are not."""
    found: list[Text] = []
    original = Text.draw

    def draw(text, renderer):
        if text.get_visible() and text.get_text().strip():
            found.append(text)
        original(text, renderer)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Text, "draw", draw)
        page.canvas.draw()
    return [(text.get_text(), _corners(text)) for text in found]


def _corners(text: Text) -> np.ndarray:
    """The rectangle of a text, which may be rotated about its middle."""
    angle = np.deg2rad(text.get_rotation())
    text.set_rotation(0)
    box = text.get_window_extent()
    text.set_rotation(np.rad2deg(angle))
    low, high = np.array([box.x0, box.y0]) + UNSEEN, np.array([box.x1, box.y1]) - UNSEEN
    corners = np.array([low, [high[0], low[1]], high, [low[0], high[1]]])
    middle = corners.mean(axis=0)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    return (corners - middle) @ turn + middle


def faults_of(page) -> list[str]:
    """Texts that leave the page, and pairs of texts that overlap."""
    texts = drawn_texts(page)
    width, height = page.canvas.get_width_height()
    faults = [
        f"{text!r} leaves the page"
        for text, corners in texts
        if (corners < 0).any() or (corners > [width, height]).any()
    ]
    closed = [Path(np.vstack([corners, corners[:1]]), closed=True) for _text, corners in texts]
    for i, (text, corners) in enumerate(texts):
        for j in range(i):
            other, there = texts[j]
            apart = (corners.max(axis=0) < there.min(axis=0)) | (there.max(axis=0) < corners.min(axis=0))
            if not apart.any() and closed[i].intersects_path(closed[j], filled=True):
                faults.append(f"{text!r} overlaps {other!r}")
    return faults

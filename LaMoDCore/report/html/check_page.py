"""check.html: the contours of one case frame by frame, with what was found in them."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image

from LaMoDCore.heart.notes import Severity
from LaMoDCore.report.html.page_shell import rendered
from LaMoDCore.report.html.pictures import webp
from LaMoDCore.report.wording import RESEARCH_USE

#: Width and height of the picture of a slice, pixels.
SLICE_SIDE = 224
#: Word of a frame -> its class in the style sheet.
_CLASSES = {"good": "good", "look": "warning", "repair": "error", "unsure": "unsure"}


@dataclass(frozen=True)
class FrameStrip:
    """One slice.

    Attributes:
        name: its name on the page.
        words: one per frame, such as good, look, repair or unsure.
        picture: its contours at one frame, as a WebP file of `SLICE_SIDE` by `SLICE_SIDE` pixels.
        pictured: that frame in words.
    """

    name: str
    words: tuple[str, ...]
    picture: bytes = field(default=b"", repr=False)
    pictured: str = "end-diastole"


@dataclass(frozen=True)
class FindingRow:
    """One finding, or several that are alike, in words."""

    where: str
    light: str
    text: str


def check_page(
    facts: str,
    strips: Sequence[FrameStrip],
    findings: Sequence[FindingRow],
    notes: Sequence[tuple[Severity, str]],
    picture: Path | None,
) -> str:
    """The text of the page. It needs no script.

    Args:
        facts: one line below the title.
        strips: the slices.
        findings: rows of the table.
        notes: further notes on the input.
        picture: PNG file of the frames with findings; None without any.
    """
    shown, size = "", (0, 0)
    if picture is not None:
        with Image.open(picture) as image:
            size = image.size
            shown = base64.b64encode(webp(image.convert("RGB"))).decode()
    return rendered(
        "check.html.jinja",
        {},
        scripts=(),
        styles=["page.css", "check.css"],
        facts=facts,
        research_use=RESEARCH_USE,
        strips=[
            (
                strip.name,
                [(word, _CLASSES.get(word, "none")) for word in strip.words],
                base64.b64encode(strip.picture).decode(),
                strip.pictured,
            )
            for strip in strips
        ],
        side=SLICE_SIDE,
        has_unsure=any("unsure" in strip.words for strip in strips),
        findings=findings,
        classes=_CLASSES,
        notes=notes,
        picture=shown,
        width=size[0],
        height=size[1],
    )

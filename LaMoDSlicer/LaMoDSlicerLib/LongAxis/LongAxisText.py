"""GLS and its definition as text."""

from collections import Counter
from typing import Any

from slicer.i18n import tr as _

from LaMoDSlicerLib.LongAxis import ViewNames
from LaMoDSlicerLib.Widgets import Numbering
from LaMoDSlicerLib.Widgets.PanelWords import inPanel

#: The line whose GLS comes first.
MAIN = "mid_wall"


def percent(value: float | None) -> str:
    """A signed percentage of a fraction."""
    return "–" if value is None else f"{Numbering.signed(100 * value)} %"


def gls(summary: dict[str, Any]) -> str:
    """“GLS −17.3 %”.

    Args:
        summary: ``long_axis`` of strain.json, as of all functions here.
    """
    return _("GLS {value}").format(value=percent(summary["gls"][MAIN]))


def definition(summary: dict[str, Any]) -> str:
    """What GLS is: line, formula, moment, views, and its interval."""
    counts = Counter(ViewNames.shortTextOf(part["view"]) for part in summary["views"])
    views = [view if count == 1 else f"{count} × {view}" for view, count in counts.items()]
    text = _(
        "GLS: mid-wall length L / L_ED − 1, systolic peak, {views}; drawn contours, not predicted; 90 % interval "
        "{low} to {high} %"
    )
    low, high = (percent(limit).removesuffix(" %") for limit in summary["gls"]["interval"][MAIN])
    return text.format(views=" + ".join(views), low=low, high=high)


def walls(summary: dict[str, Any]) -> str:
    """MAPSE and length of each view in one line."""
    parts = []
    for part in summary["views"]:
        excursion = ", ".join(f"{value:.0f}" for value in part["mapse_mm"].values())
        parts.append(_("{view} {mapse} mm").format(view=ViewNames.textOf(part["view"]), mapse=excursion))
    return _("MAPSE: {values}").format(values="; ".join(parts))


def html(summary: dict[str, Any], isOutOfDate: bool) -> str:
    """The answer for long-axis slices alone."""
    lines = [f"<b>{gls(summary)}</b>", definition(summary), walls(summary)]
    volumes = summary.get("volumes") or {}
    if volumes.get("ef") is not None:
        method = _("biplane discs") if volumes["method"] == "biplane" else _("discs of one view")
        text = _("EF {ef:.0f} %, EDV {edv:.0f} ml, ESV {esv:.0f} ml ({method})")
        lines.append(text.format(ef=100 * volumes["ef"], edv=volumes["edv_ml"], esv=volumes["esv_ml"], method=method))
    if isOutOfDate:
        lines.insert(0, f"<b>↻ {outOfDate()}</b>")
    return "<br>".join(lines)


def outOfDate() -> str:
    """Sentence about a result whose contours, views or landmarks changed."""
    return _("Out of date: long-axis contours, landmarks or used views changed. Predict again.")


def notes(found: tuple[Any, ...]) -> list[str]:
    """One line per warning, then per note on the views; frames count from 1."""
    from LaMoDCore.heart.notes import grouped

    signs = {"error": _("✕ Error"), "warning": _("⚠ Warning"), "info": _("ℹ Note")}
    lines = []
    for severity, sign in signs.items():
        for group in grouped(note for note in found if note.severity == severity):
            text = ViewNames.onScreen(inPanel(group.note.text))
            if group.frames:
                text = f"{text.rstrip('.')} ({Numbering.frames(group.frames)})."
            lines.append(f"{sign}: {text}")
    return lines

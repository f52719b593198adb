"""The numbers of long-axis views as tables."""

from typing import Any

from slicer.i18n import tr as _

from LaMoDSlicerLib.LongAxis import ViewNames
from LaMoDSlicerLib.LongAxis.LongAxisText import percent


def segmentTitles() -> list[str]:
    return [
        _("View"),
        _("Wall"),
        _("Level"),
        _("Peak (%)"),
        _("ES (%)"),
        _("Time (ms)"),
        _("AHA"),
    ]


def segmentTips() -> list[str]:
    """What each column contains."""
    strain = _("change of the length of the drawn mid-wall line, L / L_ED − 1")
    return [
        _("long-axis view"),
        _("wall; its three segments share one strain, because no point between its ends is known"),
        _("third of the wall"),
        _("systolic peak: {strain}").format(strain=strain),
        _("at end-systole: {strain}").format(strain=strain),
        _("time to peak since end-diastole; none of contours that were carried"),
        _("number in the 17-segment model of the AHA"),
    ]


def segmentRows(summary: dict[str, Any]) -> list[list[str]]:
    """Six rows per view: engineering strain of the mid-wall.

    Args:
        summary: ``long_axis`` of strain.json.
    """
    rows = []
    for part in summary["views"]:
        for segment in part["segments"]:
            time = segment["time_to_peak_ms"]
            rows.append(
                [
                    ViewNames.shortTextOf(part["view"]),
                    segment["wall"],
                    segment["level"],
                    percent(segment["strain_systolic_peak"]).removesuffix(" %"),
                    percent(segment["strain_es"]).removesuffix(" %"),
                    "–" if time is None else f"{time:.0f}",
                    str(segment["aha"] or ""),
                ]
            )
    return rows


def numberTitles() -> list[str]:
    return [_("Number"), _("Value"), _("When"), _("Definition")]


def numberRows(summary: dict[str, Any]) -> list[list[str]]:
    """GLS of each line, MAPSE, lengths and volumes, as in the report."""
    from LaMoDCore.report.long_axis_numbers import long_axis_rows, volume_rows

    rows = [*long_axis_rows(summary), *volume_rows({"long_axis": summary})]
    return [[ViewNames.onScreen(row.name), row.value, row.when, row.definition] for row in rows]


def hasBullseye(summary: dict[str, Any]) -> bool:
    """Whether all 17 segments are known, as from three views."""
    return all(value is not None for value in summary.get("bullseye") or [None])

"""The main numbers of a result on the terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def answer_line(summary: Mapping[str, Any]) -> str:
    """One line: GLS, GCS and GRS, with any intervals, and the ejection fraction, as far as they are known."""
    from LaMoDCore.report.numbers import gls_interval_text, interval_text, number
    from LaMoDCore.report.style import percent

    parts = []
    if "long_axis" in summary:
        gls = summary["long_axis"]["gls"]
        parts.append(f"GLS {percent(number(gls['mid_wall']))} % ({gls_interval_text(gls, 'mid_wall')})")
    for label, name in (("GCS", "gcs_peak"), ("GRS", "grs_peak")):
        value = summary.get("global", {}).get(name)
        if value is None:
            continue
        limits = interval_text(summary, name)
        parts.append(f"{label} {percent(number(value))} %" + (f" ({limits})" if limits else ""))
    fraction = (summary.get("function") or {}).get("ef")
    if fraction is not None:
        parts.append(f"EF {100 * fraction:.0f} %")
    return ", ".join(parts)

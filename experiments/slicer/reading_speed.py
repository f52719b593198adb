"""Speed of the reading layouts in the stand-in application: scrubbing with all views, and loading 12 slices.

    python -m experiments.slicer.reading_speed [--profile] [--picture DIR]

Prints a Markdown table. Shown are the cine of the sample heart, colours, legend, both contours, arrows, curves with
bands and the current frame's mark, 3-D view, bullseye (or strain matrix with its mark); then a second result for
comparison with a difference map. Software rendering. Needs the requirements of Testing/Slicer.
"""

from __future__ import annotations

import argparse
import cProfile
import os
import pstats
import tempfile
import time
from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from experiments.slicer.module_speed import load_sample, open_module


class PartTimes:
    """CPU milliseconds of the parts of a step, by name."""

    def __init__(self) -> None:
        self.parts: dict[str, list[float]] = defaultdict(list)

    def run(self, name: str, part: Any) -> None:
        began = time.process_time()
        part()
        self.parts[name].append(1000 * (time.process_time() - began))

    def text(self) -> str:
        return ", ".join(f"{name} {np.median(times):.1f}" for name, times in self.parts.items())


def live_views(window: Any) -> dict[str, Any]:
    """Visible views of the layout, by name."""
    import slicer

    layout = slicer.app.layoutManager()
    views = {**layout._slices, "3-D": window.three_d}
    if layout._plots:
        views["curves"] = layout._plots[0]._view
    return {name: view for name, view in views.items() if view.isVisible()}


def scrub(browser: Any, window: Any, rounds: int = 3) -> tuple[float, float, str]:
    """Frames per second, CPU ms per frame and its parts: select the frame, draw changed views, process events.

    Other programs delay single frames, so that the lower quartile of the times is reported.
    """
    import slicer

    frames, views = browser.GetNumberOfItems(), live_views(window)
    parts, wall, busy = PartTimes(), [], []
    for frame in [*range(frames)] * rounds:
        began, worked = time.perf_counter(), time.process_time()
        parts.run("stepping", lambda frame=frame: browser.SetSelectedItemNumber(frame))
        for name, view in views.items():
            if view._pending.isActive():
                parts.run(name, view.render_now)
        parts.run("events", slicer.app.processEvents)
        wall.append(time.perf_counter() - began)
        busy.append(time.process_time() - worked)
    lowest = len(wall) // 4
    return 1 / sorted(wall)[lowest], 1000 * sorted(busy)[lowest], parts.text()


def results_of(request: Any, folder: Path) -> tuple[Path, Path]:
    """Two result folders for the sample heart: an analytic contraction with six samples, and a weaker one."""
    from LaMoDCore.heart.geometry import SliceGrid
    from Testing.Slicer import reading_heart
    from Testing.Slicer.ring_heart import heart

    masks = request.masks
    grid = SliceGrid(masks.labels.shape[2:], masks.geometry.ijkToLps)
    wall = masks.labels[:, 0] == masks.MYOCARDIUM
    drawn = replace(
        heart(grid, len(wall)), myocardium=wall, cavity=None, right_ventricle=None, cine=None, level="mid",
        frame_times_ms=masks.timesMs, rr_ms=float(masks.timesMs[-1] + masks.timesMs[1]),
    )  # fmt: skip
    weaker = np.full(wall.shape[1:], 0.8)
    reading_heart.write_reading(folder / "first", [drawn], [reading_heart.motion_of(drawn, samples=6)])
    reading_heart.write_reading(folder / "second", [drawn], [reading_heart.motion_of(drawn, weaker)], model="another")
    return folder / "first", folder / "second"


def load_twelve(folder: Path) -> tuple[float, float]:
    """Seconds and CPU seconds from a folder with 12 slices of 25 frames to nodes of the scene, best of two."""
    import slicer
    from LaMoDSlicerLib.Results import ResultImport

    from Testing.Slicer import reading_heart
    from Testing.Slicer.ring_heart import grid

    drawn = reading_heart.slices(["base"] * 4 + ["mid"] * 4 + ["apex"] * 4, grid())
    reading_heart.write_reading(folder, drawn, [reading_heart.motion_of(s) for s in drawn])
    found = []
    for _ in range(2):
        slicer.mrmlScene.Clear(0)
        began, worked = time.perf_counter(), time.process_time()
        ResultImport.load(folder)
        found.append((time.perf_counter() - began, time.process_time() - worked))
    return min(found)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--profile", action="store_true", help="print the Python functions that take most of the time")
    parser.add_argument("--picture", type=Path, help="folder for a screenshot of each layout")
    options = parser.parse_args()
    window, widget = open_module()
    from LaMoDSlicerLib.Inputs.RequestReader import RequestReader
    from LaMoDSlicerLib.Results import ResultImport

    from Testing.SlicerHost import mouse

    load_sample(window, widget, mouse)
    request = RequestReader(widget._parameters).read()
    home = Path(tempfile.mkdtemp())
    first, second = results_of(request, home)
    widget.logic.showResult(ResultImport.read(first), request, widget._parameters)
    mouse.spin(0.5)
    reading = widget.readingPanel
    reading.ui.roomButton.checked = True
    mouse.spin(2)
    browser = widget._parameters.resultBrowser
    sheet = reading.sheet
    rows = []

    def measure(name: str, tab: Any) -> None:
        sheet.ui.tabs.setCurrentWidget(tab)
        mouse.spin(1.5)
        if options.picture is not None:
            mouse.screenshot(options.picture / f"{len(rows)}.png")
        profile = cProfile.Profile()
        if options.profile:
            profile.enable()
        fps, busy, parts = scrub(browser, window)
        profile.disable()
        rows.append((name, f"{fps:.0f} frames/s, {busy:.0f} ms CPU per frame", parts))
        if options.profile:
            pstats.Stats(profile).sort_stats("tottime").print_stats(22)

    measure("four-up, bullseye", sheet.ui.bullseyeTab)
    measure("four-up, strain matrix with its mark", sheet.ui.matrixTab)
    reading.loadSecond(second)
    mouse.spin(2)
    measure("two results, difference map, bullseye", sheet.ui.bullseyeTab)
    measure("two results, difference map, strain matrix", sheet.ui.matrixTab)
    reading.ui.roomButton.checked = False
    seconds, worked = load_twelve(home / "twelve")
    rows.append(("result of 12 slices, from its folder into the scene", f"{seconds:.1f} s, {worked:.1f} s CPU", ""))
    sizes = ", ".join(f"{name} {view.width()}×{view.height()}" for name, view in live_views(window).items())
    print(f"\nViews {sizes}; {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}\n")
    print("| what | figure | parts, ms (median) |\n| --- | --- | --- |")
    for row in rows:
        print("| " + " | ".join(row) + " |")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

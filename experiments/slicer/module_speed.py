"""Speed of the Slicer module in the stand-in application: one slice of 25 frames, 160×176, software rendering.

    python -m experiments.slicer.module_speed [--model NAME|DIR | --no-prediction] [--heart DICOM... --masks FILE...]

With `--heart`, the predictions are those of these series with these masks instead of the sample heart.

Prints a Markdown table. Needs the requirements of Testing/Slicer.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from pathlib import Path
from typing import Any

from LaMoDCore.models.default_model import DEFAULT_MODEL
from LaMoDCore.models.registry import find_model
from Testing.SlicerHost import display
from Testing.SlicerHost.module_window import open_on_private_display

#: Pause between two predictions, in which a person looks at the first result and a process for the second one starts.
READING_S = 8.0


class Heartbeat:
    """Pauses in ms between two runs of a 5 ms timer in the event loop: on the clock, and the main thread's CPU time.

    On a machine that runs other programs the CPU time shows how long the panel itself kept the event loop.
    """

    def __init__(self) -> None:
        from PySide6 import QtCore

        self.gaps: list[tuple[float, float]] = []
        self._last = time.perf_counter(), time.thread_time()
        self._timer = QtCore.QTimer()
        self._timer.setInterval(5)
        self._timer.timeout.connect(self._beat)
        self._timer.start()

    def _beat(self) -> None:
        now = time.perf_counter(), time.thread_time()
        self.gaps.append((1000 * (now[0] - self._last[0]), 1000 * (now[1] - self._last[1])))
        self._last = now

    def longest(self) -> str:
        """The longest pause since the last call."""
        gaps, self.gaps = self.gaps, []
        wall, busy = (max(each) for each in zip(*gaps, strict=True)) if gaps else (0.0, 0.0)
        return f"{wall:.0f} ms ({busy:.0f} ms CPU)"

    def stop(self) -> None:
        self._timer.stop()


def predict(window: Any, widget: Any, mouse: Any) -> list[tuple[str, str]]:
    """Click to drawn overlay, and the panel's longest pauses at the click, while it predicts and while it shows."""
    panel, beat = widget.predictPanel, Heartbeat()
    rows = []
    received: list[tuple[float, float]] = []
    original = panel.onResult

    def on_result(result: Any, request: Any) -> None:
        received.append((time.perf_counter(), time.process_time()))
        rows.append(("longest pause while it predicts", beat.longest()))
        original(result, request)

    panel.onResult = on_result
    clicked, worked = time.perf_counter(), time.process_time()
    mouse.click(widget.ui.predictButton)
    if not mouse.spin(60, lambda: panel.job is not None):
        raise SystemExit(f"the prediction did not start: {widget.ui.messageLabel.text}")
    mouse.spin(0.05)
    rows.append(("longest pause at the click", beat.longest()))
    if not mouse.spin(300, lambda: panel.job is None):
        raise SystemExit("the prediction did not end")
    window.red.render_now()
    ended, used = time.perf_counter(), time.process_time()
    rows.append(("longest pause while the result is shown", beat.longest()))
    beat.stop()
    panel.onResult = original
    if widget.ui.messageLabel.text:
        raise SystemExit(widget.ui.messageLabel.text)
    shown = f"{ended - received[0][0]:.1f} s ({used - received[0][1]:.1f} s CPU)"
    rows.insert(0, ("result received to overlay", shown))
    rows.insert(
        0, ("click to overlay, worker start included", f"{ended - clicked:.1f} s ({used - worked:.1f} s CPU of Slicer)")
    )
    return rows


def load_seconds(widget: Any, window: Any, result_folder: Path, request: Any) -> tuple[float, float]:
    """Seconds and CPU seconds from a result folder to the drawn overlay, best of three."""
    from LaMoDSlicerLib.Results import ResultImport

    best, busy = float("inf"), float("inf")
    for _ in range(3):
        began, worked = time.perf_counter(), time.process_time()
        result = ResultImport.read(result_folder)
        widget.logic.showResult(result, request, widget._parameters)
        window.red.GetRenderWindow().Render()
        best, busy = min(best, time.perf_counter() - began), min(busy, time.process_time() - worked)
    return best, busy


def scrub_fps(browser: Any, window: Any, rounds: int = 3) -> tuple[float, float]:
    """Frames per second and CPU milliseconds per frame: select the frame, draw the slice view, process events.

    Other programs delay single frames, so that the lower quartile of the times is reported.
    """
    import slicer

    frames, times = browser.GetNumberOfItems(), []
    busy = time.process_time()
    for frame in [*range(frames)] * rounds:
        began = time.perf_counter()
        browser.SetSelectedItemNumber(frame)
        window.red.render_now()
        slicer.app.processEvents()
        times.append(time.perf_counter() - began)
    busy = (time.process_time() - busy) / len(times)
    return 1 / sorted(times)[len(times) // 4], 1000 * busy


def open_module() -> tuple[Any, Any]:
    """Main window and module widget of a new application on a private display, with the module's panel open."""
    if display.missing():
        raise SystemExit(display.missing())
    window = open_on_private_display().window
    import slicer

    return window, slicer.modules.LaMoDSlicerWidget


def load_sample(window: Any, widget: Any, mouse: Any) -> None:
    """Load the sample heart by a click and wait until the panel can predict it."""
    mouse.click(window.sample_button)
    if not mouse.spin(60, lambda: widget.ui.predictButton.enabled):
        raise SystemExit(f"the sample heart did not load: {widget.ui.predictButton.toolTip}")


def load_heart(widget: Any, mouse: Any, options: argparse.Namespace) -> None:
    """Load series and masks, and wait until the panel can predict them and has checked the contours."""
    widget.heartPanel.addPaths([path.resolve() for path in options.heart])
    mouse.spin(2)
    widget.heartPanel.addPaths([path.resolve() for path in options.masks])
    if not mouse.spin(60, lambda: widget.ui.predictButton.enabled):
        raise SystemExit(f"the heart did not load: {widget.ui.predictButton.toolTip}")
    mouse.spin(10)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default=DEFAULT_MODEL)
    parser.add_argument("--no-prediction", action="store_true", help="measure loading and scrubbing only")
    parser.add_argument("--heart", type=Path, nargs="+", default=[], metavar="DICOM", help="series to predict")
    parser.add_argument("--masks", type=Path, nargs="+", default=[], metavar="FILE", help="their masks")
    options = parser.parse_args()
    model = str(find_model(options.model).resolve())
    window, widget = open_module()
    widget._parameters.model = model
    import slicer

    from Testing.SlicerHost import mouse

    slicer.app.layoutManager().setLayout(slicer.vtkMRMLLayoutNode.SlicerLayoutOneUpRedSliceView)
    load_heart(widget, mouse, options) if options.heart else load_sample(window, widget, mouse)
    rows = []
    if not options.no_prediction:
        for number in ("first", "second"):
            if number == "second":
                mouse.spin(READING_S)
            rows += [(f"{number} prediction: {what}", figure) for what, figure in predict(window, widget, mouse)]
    if options.heart:
        return report(window, rows)
    from LaMoDSlicerLib.Inputs.RequestReader import RequestReader

    from Testing.Slicer.reading_heart import write_for_masks

    request = RequestReader(widget._parameters).read()
    folder = Path(tempfile.mkdtemp()) / "result"
    masks = request.masks
    write_for_masks(folder, masks.labels == masks.MYOCARDIUM, masks.geometry.ijkToLps, masks.timesMs)
    seconds, worked = load_seconds(widget, window, folder, request)
    rows.append(("result on disk to overlay (best of 3)", f"{seconds:.2f} s"))
    rows.append(("the same, CPU time", f"{worked:.2f} s"))
    browser = widget.displayPanel.result.browserNode
    fps, busy = scrub_fps(browser, window)
    rows.append(("scrubbing with overlay, legend, contours and arrows (lower quartile)", f"{fps:.0f} frames/s"))
    rows.append(("CPU time per frame while scrubbing", f"{busy:.0f} ms"))
    return report(window, rows)


def report(window: Any, rows: list[tuple[str, str]]) -> int:
    """Print the table."""
    size = window.red.GetRenderWindow().GetSize()
    print(f"\nSlice view {size[0]}×{size[1]}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}\n")
    print("| what | figure |\n| --- | --- |")
    for what, figure in rows:
        print(f"| {what} | {figure} |")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

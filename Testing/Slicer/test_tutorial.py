"""Performs the tutorial for cardiologists by clicks; `make screenshots` writes its steps and pictures.

Labels in the text are read from the panel, so the page cannot name a control that has another name there.
"""

from __future__ import annotations

import os
import textwrap
from pathlib import Path

import pytest

from Testing.Slicer.flows import ROOT, Flow, is_real

PAGE = ROOT / "docs" / "get-started" / "cardiologist.md"
BEGIN, END = "<!-- steps: written by Testing/Slicer/test_tutorial.py -->\n", "<!-- end of steps -->\n"
WIDTH = 120


class Tutorial:
    """The steps that were performed, as a Markdown page with pictures.

    Args:
        flow: clicks and takes pictures.
        pictures: folder of the pictures.
    """

    def __init__(self, flow: Flow, pictures: Path) -> None:
        self.flow, self._pictures = flow, pictures
        self._lines: list[str] = []
        self._steps = 0

    def step(self, title: str, *paragraphs: str) -> None:
        """Begin a step.

        Args:
            title: of the step.
            paragraphs: what to do, and what then happens; one that begins with "1." is an item of a list.
        """
        self._steps += 1
        self._lines += [f"## {self._steps}. {title}", ""]
        for paragraph in paragraphs:
            indent = "   " if paragraph[:1].isdigit() else ""
            self._lines.append(textwrap.fill(" ".join(paragraph.split()), WIDTH, subsequent_indent=indent,
                                             break_long_words=False, break_on_hyphens=False))  # fmt: skip
            if not indent:
                self._lines.append("")
        if self._lines[-1]:
            self._lines.append("")

    def picture(self, name: str, text: str) -> None:
        """Take a picture of the screen."""
        self.flow.app.settle()
        self.flow.app.mouse.screenshot(self._pictures / f"{name}.png")
        self._lines += [f"![{text}](../../Resources/Screenshots/{name}.png)", ""]

    def text(self) -> str:
        return "\n".join(self._lines)


@pytest.fixture
def tutorial(slicer_app, fake_worker, pictures, tmp_path, monkeypatch):
    if not is_real():
        fake_worker("ok")
    return Tutorial(Flow(slicer_app, "a-sample-heart", tmp_path, monkeypatch), pictures)


def test_the_tutorial_for_cardiologists(tutorial):
    from LaMoDSlicerLib.Scene import SampleHeart

    flow = tutorial.flow
    app, panel = flow.app, flow.controls
    ui, widget = panel.ui, flow.app.widget
    reading = widget.readingPanel

    app.mouse.click(app.window.sample_button)
    app.settle()
    assert panel.rows == 1
    tutorial.step(
        "Load the sample heart",
        f"""Open the module *Sample Data* and click **{SampleHeart.NAME}**. The red view shows a short-axis slice of a
        synthetic heart with an infarct: a cine of 25 frames, and one segmentation per frame with *LV myocardium*,
        *LV cavity* and *RV*. **{SampleHeart.NAME_OF_SERIES}** loads three slices of the same heart, each as a series
        of its own, as they arrive from a scanner.""",
    )
    tutorial.step(
        "Open the module",
        f"""Open **LaMoD Strain** (category *Cardiac*). The table of the section *{ui.heartButton.text}* has filled
        itself: one row per slice, with its level, frames and contours. For your own patients, *{ui.addButton.text}*
        loads cines and masks from files, folders and DICOM.""",
    )
    app.mouse.show(ui.heartTable)
    tutorial.picture("tutorial-heart", "The table of the heart, filled by the sample heart")

    flow.predict()
    assert flow.clicks == 1, "one click from loaded data to GCS"
    tutorial.step(
        "Predict",
        f"""Click **{ui.predictButton.text}**. The first time, Slicer asks before it installs PyTorch and three small
        packages. The prediction then takes a few seconds to a minute; *{ui.cancelButton.text}* stops it at any time.
        GCS, GRS and ejection fraction then are below the button, with the worst warning in one line.""",
        """Segments are counted from the insertion of the right ventricle. LaMoD finds it in the sample heart, because
        its right ventricle is segmented.""",
        f"""Where it is not, choose *Create new MarkupsFiducial* in *{ui.rvLabel.text.rstrip(":")}* and click in the red
        view where the anterior wall of the right ventricle joins the left ventricle. Without both, a default is used
        and reported, and the segments may be rotated by 20° or more.""",
    )
    tutorial.picture("tutorial-strain", "Ecc on the sample heart at end-systole, and the answer below Predict Strain")

    tutorial.step(
        "Look at the beating heart",
        f"""Press ▶ under *{ui.displayButton.text}*, or drag the slider next to it. The colours move with the wall:
        blue is shortening, red is lengthening.""",
        """1. Compare the green and the orange lines. Dashed orange lines are the drawn contours; green lines are the
        end-diastolic contours propagated by the predicted motion. They should agree in every frame.""",
        "2. The arrows show the displacement of each point of the wall since end-diastole.",
        f"""3. Tick *{ui.gridCheckBox.text}* to see the tissue as tagged MRI would show it. Choose
        *Err, radial strain* in *{ui.quantityLabel.text.rstrip(":")}*.""",
    )
    before = app.window.red.picture()
    flow.click(ui.gridCheckBox, _left_of(ui.gridCheckBox))
    app.mouse.choose(ui.quantitySelector, "Err, radial strain")
    app.settle()
    assert (app.window.red.picture() != before).any(axis=2).sum() > 2000
    app.mouse.choose(ui.quantitySelector, "Ecc, circumferential strain")
    flow.click(ui.gridCheckBox, _left_of(ui.gridCheckBox))

    opened = str(ui.openRoomButton.text)
    flow.click(ui.openRoomButton)
    sheet = reading.sheet.ui
    tutorial.step(
        "Read the numbers",
        f"Click **{opened}**.",
        """1. Read the text box at the top right. It lists the caveats of this result.""",
        """2. Look at the curves. The black curve is the mean over the whole slice (GCS); the others are segments with
        their 90 % intervals. Click in the plot to go to that frame.""",
        f"""3. Click a segment in the *{sheet.tabs.tabText(0)}*: its curve is highlighted. The infarcted segments
        (anteroseptal and anterior) shorten less.""",
        f"""4. Open the tab *{sheet.tabs.tabText(2)}*. Rotation is marked as inferred, because it cannot be measured
        from masks.""",
    )
    assert sheet.tabs.count >= 4
    tutorial.picture("tutorial-room", "The reading room: the slice with Ecc, the stack in 3-D, curves, bullseye")
    panel.toggle_room()

    tutorial.step(
        "Save the result",
        f"""Click **{reading.ui.reportButton.text}** for one page with maps, curves, bullseye and definitions, or
        **{reading.ui.tablesButton.text}** for the tables. Neither names the patient unless
        *{reading.ui.identityCheckBox.text}* is ticked.""",
    )
    _compare(tutorial.text())


def _left_of(box):
    from PySide6 import QtCore

    return QtCore.QPoint(8, box.height // 2)


def _compare(steps: str) -> None:
    """Compare the steps with the page, or write them there for `make screenshots`."""
    page = PAGE.read_text(encoding="utf-8")
    head, rest = page.split(BEGIN)
    written, tail = rest.split(END)
    if os.environ.get("LAMOD_SCREENSHOTS"):
        PAGE.write_text(f"{head}{BEGIN}\n{steps}\n{END}{tail}", encoding="utf-8")
    else:
        assert written.strip() == steps.strip(), "run `make screenshots`"

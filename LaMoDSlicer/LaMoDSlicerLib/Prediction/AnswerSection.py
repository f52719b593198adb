from collections.abc import Callable
from typing import Any

import qt
from slicer.i18n import tr as _

from LaMoDSlicerLib.Heart import Reviews
from LaMoDSlicerLib.Heart.HeartModel import HeartModel
from LaMoDSlicerLib.LongAxis import LongAxisKeeper, LongAxisText
from LaMoDSlicerLib.LongAxis.LongAxisNode import LongAxisNode
from LaMoDSlicerLib.Results import ResultContours
from LaMoDSlicerLib.Results.ResultHeadline import ResultHeadline
from LaMoDSlicerLib.Results.ResultNode import ResultNode
from LaMoDSlicerLib.Results.ResultNotes import ResultNotes
from LaMoDSlicerLib.Widgets import Numbering, PanelWidgets

#: Code of the note that contours were drawn automatically and not reviewed.
AUTOMATIC = "contours_automatic"


class AnswerSection:
    """The answer below Predict Strain: main numbers, worst warning, and the button of the reading room.

    Args:
        ui: the panel's widgets by name.
        model: the heart.
        openRoom: called to open the reading room.
    """

    HEADLINE_LINES, MOST_FRAME_LINES, WARNING_LINES = 4, 2, 2

    def __init__(self, ui: Any, model: HeartModel, openRoom: Callable[[], None]) -> None:
        self._ui, self._model = ui, model
        self._parameters: Any = None
        self._tip = ui.headlineLabel.toolTip
        ui.openRoomButton.connect("clicked(bool)", lambda _checked: openRoom())

    def setParameters(self, parameters: Any) -> None:
        self._parameters = parameters
        self.update()

    def update(self) -> None:
        """Show the current result, or the next step."""
        ui, p = self._ui, self._parameters
        node = ResultNode.ofBrowser(p.resultBrowser) if p is not None else None
        missing = "" if node is not None else _("There is no result yet: press Predict Strain.")
        PanelWidgets.enable(ui.openRoomButton, missing, _("Show slices, 3-D view, curves and numbers side by side"))
        alone = LongAxisNode.ofResult(None)
        if node is None and alone is not None:
            PanelWidgets.enable(ui.openRoomButton, "", _("Show long-axis views, curves and numbers side by side"))
            self._showLongAxis(alone)
            return
        if node is None:
            PanelWidgets.showWholeText(ui.headlineLabel, self._nextStep(), 1)
            self._showWarning("", "")
            return
        try:
            numbers = node.numbers()
            isOutOfDate = ResultContours.isOutOfDate(node)
        except (ValueError, KeyError) as error:
            ui.headlineLabel.text = _("The numbers of this result cannot be read: {error}.").format(error=error)
            self._showWarning("", "")
            return
        headline = ResultHeadline(numbers, isOutOfDate)
        frames = self._frames(node, numbers)
        html = "<br>".join([headline.html(), *frames[: self.MOST_FRAME_LINES]])
        PanelWidgets.showWholeText(ui.headlineLabel, html, self.HEADLINE_LINES)
        ui.headlineLabel.toolTip = "\n".join(filter(None, [self._tip, headline.whyNoFunction(), *frames]))
        self._showWorst(ResultNotes(numbers, isOutOfDate))

    def _showLongAxis(self, node: LongAxisNode) -> None:
        """Show longitudinal strain without a prediction, and the worst warning about it."""
        ui, isOutOfDate = self._ui, LongAxisKeeper.isOutOfDate(node)
        try:
            html, notes = LongAxisText.html(node.summary, isOutOfDate), node.notes()
        except (ValueError, KeyError) as error:
            ui.headlineLabel.text = _("The numbers of this result cannot be read: {error}.").format(error=error)
            self._showWarning("", "")
            return
        PanelWidgets.showWholeText(ui.headlineLabel, html, self.HEADLINE_LINES)
        ui.headlineLabel.toolTip = LongAxisText.definition(node.summary)
        lines = LongAxisText.notes(notes)
        isBad = any(each.severity in ("error", "warning") for each in notes)
        none = _("✓ No warnings. This does not prove that the result is right.")
        self._showWarning(lines[0] if isBad else none, "\n".join(lines))

    @staticmethod
    def _frames(node: ResultNode, numbers: Any) -> list[str]:
        """Which frames were carried or are unsure, if any."""
        codes = {note.code for note in numbers.notes}
        return ResultContours.framesText(node) if codes & {"contours_carried", "contours_unsure"} else []

    def _showWorst(self, notes: ResultNotes) -> None:
        """The worst warning in one sentence, with its sign and the number of the others."""
        found = [remark for remark in notes.remarks() if remark.severity in ("error", "warning")]
        if not found:
            self._showWarning(_("✓ No warnings. This does not prove that the result is right."), notes.plain())
            return
        if len(found) > 1 and found[0].code == AUTOMATIC and found[1].severity == found[0].severity:
            found = found[1:] + found[:1]  # the lines above it already state it
        place, text = found[0].cells()[1], found[0].text
        if found[0].slices:
            text = f"{Numbering.capitalized(place)}: {text}"
        kinds = {(remark.severity, remark.code or remark.text) for remark in found}  # as the reading room counts
        template = _("{state} 1 of {count}: {text}") if len(kinds) > 1 else _("{state}: {text}")
        self._showWarning(template.format(state=found[0].state(), count=len(kinds), text=text), notes.plain())

    def _showWarning(self, text: str, tip: str) -> None:
        label = self._ui.warningLabel
        label.toolTip = tip
        label.visible = bool(text)
        width = max(label.width, 200)
        # breaking between words takes some space, so that a text of two full lines would need a third
        shown = label.fontMetrics().elidedText(text, qt.Qt.ElideRight, round(self.WARNING_LINES * 0.94 * width))
        if shown != text:
            shown = text[: text.rfind(" ", 0, len(shown) - 1)].rstrip(",;: ") + " …"  # whole words
        PanelWidgets.showWholeText(label, shown, 1)

    def _nextStep(self) -> str:
        used = self._model.usedRows
        if not self._model.rows:
            return _("Next: add a cine or masks with “Add…”, or load them in any module of Slicer.")
        if not self._ui.predictButton.enabled:  # its tooltip and the message below it give the reason
            return ""
        if any(row.series.masks is None for row in used):
            return _("Next: press “Predict Strain”; it draws the missing contours first.")
        if repair := Reviews.nextRepair(used):
            return repair
        return " ".join(filter(None, [_("Next: press “Predict Strain”."), Reviews.leftOut(used)]))

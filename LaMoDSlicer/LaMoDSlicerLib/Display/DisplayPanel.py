from typing import Any

import slicer
from slicer.i18n import tr as _

from LaMoDSlicerLib.Display.Quantities import OverlayQuantity
from LaMoDSlicerLib.Display.ResultDisplay import ResultDisplay
from LaMoDSlicerLib.Results import ResultContours
from LaMoDSlicerLib.Results.ResultHeadline import ResultHeadline, outOfDate
from LaMoDSlicerLib.Results.ResultNode import ResultNode
from LaMoDSlicerLib.Results.ResultNotes import ResultNotes
from LaMoDSlicerLib.Results.ResultScene import ResultScene
from LaMoDSlicerLib.Scene import SliceViews
from LaMoDSlicerLib.Widgets import PanelWidgets


class DisplayPanel:
    """The Display section: how the result is shown.

    Args:
        owner: the module's widget. The widgets of this section are added to `owner.ui`, whose widgets are connected to
            the parameter node.
    """

    REMARK_LINES = 4
    HEADLINE_LINES = 3

    def __init__(self, owner: Any) -> None:
        self.widget = slicer.util.loadUI(owner.resourcePath("UI/DisplayPanel.ui"))
        owner.ui.displayPlace.layout().addWidget(self.widget)
        self.widget.setMRMLScene(slicer.mrmlScene)
        self._ui = ui = owner.ui
        vars(ui).update(vars(slicer.util.childWidgetVariables(self.widget)))
        self._parameters: Any = None
        self._result: ResultScene | None = None
        self._display: ResultDisplay | None = None
        self._key: tuple[str, str] | None = None
        PanelWidgets.reserveLines(ui.headlineLabel, self.HEADLINE_LINES)
        PanelWidgets.reserveLines(ui.resultLabel, self.REMARK_LINES)

    def setParameters(self, parameters: Any) -> None:
        self._parameters = parameters
        self._result = self._display = self._key = None
        self.update()

    def setResult(self, result: ResultScene) -> None:
        """Show a new result."""
        self._result, self._display, self._key = result, ResultDisplay(result), self._keyOf(result.browserNode)
        self.update()

    @staticmethod
    def _keyOf(browserNode: Any) -> tuple[str, str]:
        """Identifies the result that a browser shows: another one on the same browser has other numbers."""
        node = ResultNode.ofBrowser(browserNode)
        return browserNode.GetID(), node.node.GetID() if node is not None else ""

    def update(self) -> None:
        """Show the result with the settings of the parameter node; finds the result of a loaded scene."""
        p = self._parameters
        if p is not None and p.resultBrowser is not None and self._key != self._keyOf(p.resultBrowser):
            result = ResultScene(p.resultBrowser)
            if result.isShown:
                self._result, self._display, self._key = result, ResultDisplay(result), self._keyOf(p.resultBrowser)
                SliceViews.refresh()
        shown = self._result is not None and self._result.isShown
        browser = self._result.browserNode if shown else None
        self._ui.playWidget.setMRMLSequenceBrowserNode(browser)
        self._ui.seekWidget.setMRMLSequenceBrowserNode(browser)
        for widget in (self._ui.playWidget, self._ui.seekWidget):
            widget.enabled = shown
        redraw = shown and self._result.motion is not None
        for widget in (self._ui.glyphSpacingSlider, self._ui.glyphScaleSlider):
            widget.enabled = redraw
            widget.toolTip = "" if redraw or not shown else _("This scene does not contain the motion: predict again.")
        none = _("There is no result yet: select masks and click Predict Strain.")
        self._ui.headlineLabel.text = ""
        remarks = self._remarks() if shown else [none]
        more = _("… and {count} more: hover for all.").format(count=len(remarks) - 1)
        text = "\n".join([*remarks[:1], *([more] if len(remarks) > 1 else [])])
        PanelWidgets.showWholeText(self._ui.resultLabel, text, self.REMARK_LINES)
        self._ui.resultLabel.toolTip = "\n".join(remarks)
        if p is not None:
            self._offerRangeOf(p.quantity)
        if self._display is not None and p is not None:
            self._display.update(p)

    def _remarks(self) -> list[str]:
        """Warnings about the result; also shows its main numbers."""
        quantity = self._parameters.quantity
        node = ResultNode.ofBrowser(self._result.browserNode)
        try:
            numbers = node.numbers() if node is not None else None
            isOutOfDate = node is not None and ResultContours.isOutOfDate(node)
            remarks = ResultNotes(numbers).noteLines("error", "warning") if numbers is not None else []
            remarks = [*([outOfDate()] if isOutOfDate else []), *remarks]
            self._ui.headlineLabel.text = ResultHeadline(numbers, isOutOfDate).html() if numbers is not None else ""
        except (ValueError, KeyError) as error:
            self._ui.headlineLabel.text = ""
            remarks = [_("The numbers of this result cannot be read: {error}.").format(error=error)]
        if quantity is OverlayQuantity.UNCERTAINTY and not self._result.holds(quantity):
            remarks.append(_("One sample has no standard deviation: predict with 2 samples or more (Advanced)."))
        return remarks

    def _offerRangeOf(self, quantity: OverlayQuantity) -> None:
        ui = self._ui
        isShortening = quantity is OverlayQuantity.NONE or (quantity.isStrain and not quantity.isRadial)
        for label, slider, wanted in (
            (ui.strainRangeLabel, ui.strainRangeSlider, isShortening),
            (ui.radialRangeLabel, ui.radialRangeSlider, quantity.isRadial),
            (ui.displacementRangeLabel, ui.displacementRangeSlider, quantity is OverlayQuantity.DISPLACEMENT),
            (ui.uncertaintyRangeLabel, ui.uncertaintyRangeSlider, quantity is OverlayQuantity.UNCERTAINTY),
        ):
            label.visible = slider.visible = wanted

from typing import Any

import qt
import slicer
from slicer.i18n import tr as _

from LaMoDSlicerLib.Display.Quantities import OverlayQuantity
from LaMoDSlicerLib.Display.ResultViews import ResultViews
from LaMoDSlicerLib.LongAxis.LongAxisNode import LongAxisNode
from LaMoDSlicerLib.Results.ResultScene import ResultScene
from LaMoDSlicerLib.Scene import SliceViews
from LaMoDSlicerLib.Widgets import PanelWidgets


class DisplayPanel:
    """The Display section: how results are shown.

    Args:
        owner: the module's widget. The widgets of this section are added to `owner.ui`, whose widgets are connected to
            the parameter node.
    """

    #: Members of the ParameterNode that change the display alone.
    SETTINGS = (
        "quantity", "opacity", "strainRange", "radialRange", "displacementRange", "uncertaintyRange", "showLegend",
        "showContours", "showDrawn", "showGlyphs", "showGrid", "showTracks", "glyphSpacing", "glyphScale", "glyphColor",
    )  # fmt: skip
    #: Item data of an item's flags, and their values; Qt has no other way to disable an item of a combo box.
    _FLAGS_ROLE, _ENABLED, _DISABLED = qt.Qt.UserRole - 1, 33, 0

    def __init__(self, owner: Any) -> None:
        self.widget = slicer.util.loadUI(owner.resourcePath("UI/DisplayPanel.ui"))
        owner.ui.displayPlace.layout().addWidget(self.widget)
        self.widget.setMRMLScene(slicer.mrmlScene)
        self._ui = owner.ui
        vars(self._ui).update(vars(slicer.util.childWidgetVariables(self.widget)))
        self._tips = {box: box.toolTip for box in self._motionWidgets()}
        self.views = ResultViews()
        self.views.onShown = self._followShown
        self._parameters: Any = None
        self._inputs: tuple[Any, ...] = ()
        self._shown: tuple[Any, ...] = ()
        self._played = ""

    def _motionWidgets(self) -> tuple[Any, ...]:
        """The widgets whose lines are drawn from the motion."""
        ui = self._ui
        return (
            ui.glyphsCheckBox, ui.gridCheckBox, ui.tracksCheckBox, ui.glyphSpacingSlider, ui.glyphScaleSlider,
            ui.glyphColorSelector,
        )  # fmt: skip

    @property
    def result(self) -> ResultScene | None:
        """The current result, or None."""
        browser = self._parameters.resultBrowser if self._parameters is not None else None
        if browser is None or not ResultScene(browser).isShown:
            return None
        return self.views.resultOf(browser)

    def setParameters(self, parameters: Any) -> None:
        if parameters is None:
            self.views.forget()
        self._parameters = parameters
        self._inputs = self._inputState()
        self.update()

    def onlyDisplayChanged(self) -> bool:
        """Whether the parameter node changed in settings of the display alone since the last call."""
        before, self._inputs = self._inputs, self._inputState()
        return before == self._inputs

    def _inputState(self) -> tuple[Any, ...]:
        """Everything in the parameter node except the settings of the display."""
        if self._parameters is None:
            return ()
        node = self._parameters.parameterNode
        texts = [(name, node.GetParameter(name)) for name in node.GetParameterNames() if name not in self.SETTINGS]
        roles = [node.GetNthNodeReferenceRole(i) for i in range(node.GetNumberOfNodeReferenceRoles())]
        references = [(role, node.GetNodeReferenceID(role)) for role in roles]
        attributes = [(name, node.GetAttribute(name)) for name in node.GetAttributeNames()]
        return tuple(sorted(texts)), tuple(references), tuple(attributes)

    def update(self) -> None:
        """Show the current result, also that of a loaded scene, with the settings of the parameter node."""
        result = self.result
        self._followShown()
        shown = (result,) if result is not None else ()
        if shown and shown != self._shown:
            SliceViews.refresh()
        self._shown = shown
        self._offer(result)
        self.updateDisplay()

    def _followShown(self) -> None:
        """Let this section and Slicer's toolbar play the series in the red view: each series has its own times."""
        result = self.result
        browser = self.views.placedIn("Red") or (result.browserNode if result is not None else None)
        for widget in (self._ui.playWidget, self._ui.seekWidget):
            widget.setMRMLSequenceBrowserNode(browser)
            widget.enabled = browser is not None
        played = browser.GetID() if browser is not None else ""
        if played and played != self._played:  # afterwards a person may choose another browser in the toolbar
            slicer.modules.sequences.setToolBarActiveBrowserNode(browser)
        self._played = played

    def updateDisplay(self) -> None:
        """Apply the settings of the parameter node to the views."""
        if self._parameters is None:
            return
        self._ui.resultLabel.text = self._problem(self.result)
        self._ui.resultLabel.visible = bool(self._ui.resultLabel.text)
        self._offerRangeOf(self._parameters.quantity)
        self.views.update(self._parameters)

    def _offer(self, result: ResultScene | None) -> None:
        """Disable what the current result has no data for; tooltips say why."""
        without = _("This result does not contain the motion: predict again.")
        lacksMotion = result is not None and result.motion is None
        for widget, tip in self._tips.items():
            PanelWidgets.enable(widget, without if lacksMotion else "", tip)
        for i, quantity in enumerate(OverlayQuantity):
            known = result is None or quantity is OverlayQuantity.NONE or result.holds(quantity)
            selector = self._ui.quantitySelector
            selector.setItemData(i, self._ENABLED if known else self._DISABLED, self._FLAGS_ROLE)
            selector.setItemData(i, "" if known else self._reason(quantity), qt.Qt.ToolTipRole)

    @staticmethod
    def _reason(quantity: OverlayQuantity) -> str:
        """Why a result lacks a quantity."""
        if quantity is OverlayQuantity.UNCERTAINTY:
            return _("One sample has no standard deviation: predict with 2 samples or more (Advanced).")
        return _("This result does not contain “{name}”.").format(name=quantity.text)

    def _problem(self, result: ResultScene | None) -> str:
        """Why the views do not show what is selected; empty if they do."""
        quantity = self._parameters.quantity
        if result is None and LongAxisNode.alone():
            return _("Strain of long-axis slices alone: there are no maps. These settings apply to predicted strain.")
        if result is None:
            return _("There is no result yet: click Predict Strain.")
        isMissing = quantity is not OverlayQuantity.NONE and not result.holds(quantity)
        return self._reason(quantity) if isMissing else ""

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

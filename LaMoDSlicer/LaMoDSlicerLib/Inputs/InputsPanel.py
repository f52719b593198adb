from pathlib import Path
from typing import Any

import slicer
from slicer.i18n import tr as _

from LaMoDSlicerLib.Inputs import MaskLoader
from LaMoDSlicerLib.Inputs.InputError import InputError
from LaMoDSlicerLib.Inputs.MaskSource import MaskSource
from LaMoDSlicerLib.Inputs.RequestReader import RequestReader
from LaMoDSlicerLib.Scene.CineSource import CineSource
from LaMoDSlicerLib.Widgets import FileDialogs


class InputsPanel:
    """Selects cine, masks, myocardium and RV insertion; an empty field is filled if there is exactly one candidate.

    Args:
        ui: the panel's widgets by name.
        showMessage: called with a sentence if a file cannot be used.
    """

    def __init__(self, ui: Any, showMessage: Any) -> None:
        self._ui, self._showMessage = ui, showMessage
        self._parameters: Any = None
        self._offered: dict[str, set[str]] = {}
        ui.rvPlaceWidget.buttonsVisible = False
        ui.rvPlaceWidget.placeButton().show()
        ui.rvPlaceWidget.deleteAllControlPointsOptionVisible = False
        ui.rvPlaceWidget.placeMultipleMarkups = slicer.qSlicerMarkupsPlaceWidget.ForcePlaceSingleMarkup
        ui.loadMasksButton.connect("clicked(bool)", self.onLoadMasksButton)
        ui.myocardiumSelector.connect("activated(int)", self.onMyocardiumActivated)
        ui.rvInsertionSelector.connect("nodeAddedByUser(vtkMRMLNode*)", self.onRvInsertionAdded)

    def setParameters(self, parameters: Any) -> None:
        self._parameters = parameters
        self._offered = {}
        self.update()

    def fillEmptyFields(self) -> None:
        """Fill each empty field for which there is exactly one candidate, once: not if a person chose None since."""
        p = self._parameters
        if p is None:
            return
        browsers = slicer.util.getNodesByClass("vtkMRMLSequenceBrowserNode")
        points = slicer.util.getNodesByClass("vtkMRMLMarkupsFiducialNode")
        self._fillIfUnique("cine", [n for n in browsers if self._isCine(n)])
        self._fillIfUnique("masks", MaskSource.candidates())
        self._fillIfUnique("rvInsertion", [n for n in points if not n.GetHideFromEditors()])

    def _fillIfUnique(self, name: str, candidates: list[Any]) -> None:
        ids, offered = {node.GetID() for node in candidates}, self._offered.get(name, set())
        isEmpty = getattr(self._parameters, name) is None
        if isEmpty and len(candidates) == 1 and not ids <= offered:
            setattr(self._parameters, name, candidates[0])
        self._offered[name] = offered | ids

    @staticmethod
    def _isCine(browserNode: Any) -> bool:
        try:
            CineSource(browserNode).check()
        except InputError:
            return False
        return True

    def update(self) -> None:
        """Show the values of the parameter node."""
        p, selector = self._parameters, self._ui.myocardiumSelector
        choices = MaskSource(p.masks).choices() if p is not None and p.masks is not None else {}
        structures = RequestReader(p).structures() if choices else {}
        listed = [(selector.itemData(i), selector.itemText(i)) for i in range(selector.count)]
        if listed != list(choices.items()):
            selector.clear()
            for choice, text in choices.items():
                selector.addItem(text, choice)
        selector.currentIndex = selector.findData(structures["myocardium"]) if "myocardium" in structures else -1
        selector.enabled = len(choices) > 1
        self._ui.structuresLabel.text = self._structuresText(choices, structures)

    @staticmethod
    def _structuresText(choices: dict[str, str], structures: dict[str, str]) -> str:
        names = {"rightVentricle": _("right ventricle"), "cavity": _("cavity")}
        found = [f"{name}: “{choices[structures[s]]}”" for s, name in names.items() if s in structures]
        return _("Also used: {structures}.").format(structures=", ".join(found)) if found else ""

    def onMyocardiumActivated(self, index: int) -> None:
        self._parameters.myocardium = self._ui.myocardiumSelector.itemData(index)

    def onRvInsertionAdded(self, node: Any) -> None:
        """Start placing a new point list: the next click in a slice view places the point."""
        node.SetName(slicer.mrmlScene.GenerateUniqueName("RV insertion"))
        node.CreateDefaultDisplayNodes()
        node.SetControlPointLabelFormat("RV")
        self._ui.rvPlaceWidget.setCurrentNode(node)
        self._ui.rvPlaceWidget.setPlaceModeEnabled(True)

    def onLoadMasksButton(self) -> None:
        path = FileDialogs.openFile(_("Load masks"), MaskLoader.FILTER)
        if path is not None:
            self.loadMasks(path)

    def loadMasks(self, path: Path) -> None:
        """Load masks from a file and select them; an error is shown in the panel."""
        cine = self._parameters.cine
        browser = cine if cine is not None and CineSource(cine).isBrowser else None
        try:
            self._parameters.masks = MaskLoader.load(path, browser)
        except InputError as error:
            self._showMessage(str(error))

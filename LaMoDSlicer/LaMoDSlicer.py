"""LaMoD Strain: myocardial motion and strain from left-ventricular masks of a cine MRI, in 3D Slicer."""

import sys

import slicer
import vtk
from LaMoDSlicerLib.LaMoDSlicerLogic import LaMoDSlicerLogic
from LaMoDSlicerLib.Scene import EnteredViews
from slicer.i18n import tr as _
from slicer.i18n import translate
from slicer.ScriptedLoadableModule import (
    ScriptedLoadableModule,
    ScriptedLoadableModuleTest,
    ScriptedLoadableModuleWidget,
)
from slicer.util import VTKObservationMixin


class LaMoDSlicer(ScriptedLoadableModule):
    """The entry in Slicer's module list."""

    def __init__(self, parent):
        super().__init__(parent)
        parent.title = _("LaMoD Strain")
        parent.categories = [translate("qSlicerAbstractCoreModule", "Cardiac")]
        parent.dependencies = ["Markups", "Segmentations", "Sequences", "Volumes"]
        parent.contributors = ["The LaMoD developers"]
        parent.helpText = _(
            "Predicts motion and strain of the left ventricle from myocardium masks over the cardiac cycle, as DENSE "
            "would measure them. Research use only; not a medical device."
        )
        parent.acknowledgementText = _(
            "After “LaMoD: Latent Motion Diffusion Model for Myocardial Strain Generation”, Xing et al., 2024."
        )
        slicer.app.connect("startupCompleted()", self.onStartupCompleted)

    @staticmethod
    def onStartupCompleted():
        from LaMoDSlicerLib.Scene import LoadedScenes, SampleHeart

        SampleHeart.register()
        LoadedScenes.register()


class LaMoDSlicerWidget(ScriptedLoadableModuleWidget, VTKObservationMixin):
    """The module panel; observes the scene."""

    def __init__(self, parent=None):
        ScriptedLoadableModuleWidget.__init__(self, parent)
        VTKObservationMixin.__init__(self)
        self.logic = None
        self._parameters = self._guiTag = self._watch = None

    def setup(self):
        from LaMoDSlicerLib import Panels
        from LaMoDSlicerLib.Scene.SceneWatch import SceneWatch

        ScriptedLoadableModuleWidget.setup(self)
        uiWidget = slicer.util.loadUI(self.resourcePath("UI/LaMoDSlicer.ui"))
        self.layout.addWidget(uiWidget)
        self.ui = slicer.util.childWidgetVariables(uiWidget)
        uiWidget.setMRMLScene(slicer.mrmlScene)
        self.logic = LaMoDSlicerLogic()
        self.panels = Panels.create(self)
        self._watch = SceneWatch(self)
        self.setParameters(self.logic.getParameterNode())

    def enter(self):
        if self._parameters is None:
            self.setParameters(self.logic.getParameterNode())
        EnteredViews.follow(self, self._parameters)
        self.contoursPanel.enter()
        self.update()

    def exit(self):
        self._watch.stop()
        self.readingPanel.leave()
        self.contoursPanel.leave()
        EnteredViews.restore()

    def cleanup(self):
        from LaMoDSlicerLib.Scene import CleanUp

        cancel, leave = self.predictPanel.cleanup, (lambda: self.setParameters(None))
        further = (self.advancedPanel.cleanup, self.readingPanel.cleanup, self.contoursPanel.cleanup)
        last = (EnteredViews.restore, self.heartPanel.cleanup, self._watch.release, self.removeObservers)
        CleanUp.runAll(cancel, leave, *further, *last)

    def onReload(self):
        for name in [n for n in sys.modules if n.startswith("LaMoDSlicerLib")]:
            del sys.modules[name]
        super().onReload()

    def setParameters(self, parameters):
        """Connect the panel to a parameter node; None while the scene is closed."""
        if self._parameters is not None:
            self._parameters.disconnectGui(self._guiTag)
            self.removeObserver(self._parameters.parameterNode, vtk.vtkCommand.ModifiedEvent, self.onModified)
        self._parameters = parameters
        if parameters is not None:
            self._guiTag = parameters.connectGui(self.ui)
            self.addObserver(parameters.parameterNode, vtk.vtkCommand.ModifiedEvent, self.onModified)
        for panel in self.panels:
            panel.setParameters(parameters)

    def update(self):
        self._watch.stop()
        self.heartPanel.refresh()
        for panel in self.panels:
            panel.update()

    def updateDisplay(self):
        """Apply the settings of the Display section alone."""
        self._watch.stop()
        self.displayPanel.updateDisplay()
        self.readingPanel.updateDisplay()

    def onModified(self, caller=None, event=None):
        onlyDisplay = caller is not None and self.displayPanel.onlyDisplayChanged()
        self._watch.onDisplayModified() if onlyDisplay else self._watch.onModified()

    def onSceneStartClose(self, caller=None, event=None):
        self.setParameters(None)

    def onSceneEndClose(self, caller=None, event=None):
        if self.parent.isEntered:
            self.setParameters(self.logic.getParameterNode())
            self.update()


class LaMoDSlicerTest(ScriptedLoadableModuleTest):
    """The self-test (“Reload and Test”). Skips the prediction if torch is not installed; downloads nothing."""

    def runTest(self):
        slicer.mrmlScene.Clear(0)
        self.test_sampleHeart()

    def test_sampleHeart(self):
        from LaMoDSlicerLib.Scene import SampleHeart
        from LaMoDSlicerLib.Worker import Dependencies

        browser, segmentation = SampleHeart.load()
        self.assertGreaterEqual(browser.GetNumberOfItems(), 8)
        if Dependencies.missing():
            self.delayDisplay(f"Prediction skipped: {', '.join(Dependencies.missing())} is not installed")
            return
        result = LaMoDSlicerLogic().predictStrain(browser, segmentation)
        self.assertTrue(result.isShown)
        self.delayDisplay("Test passed")

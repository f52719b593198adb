"""A stand-in for the 3D Slicer application, for tests: never shipped, never installed with the extension.

Under it is the real thing: ``slicer-core`` brings Slicer's own MRML scene, logics, slice and 3-D displayable
managers and ``slicer.util``. On top of it stand-ins written for LaMoD on PySide6: a PythonQt-like ``qt``, the
``ctk``, qMRML and qSlicer widgets that the module uses, and the parts of Slicer's Python that no package
offers (``ScriptedLoadableModule``, ``parameterNodeWrapper``, ``i18n``, ``packaging``, ``SampleData``).

``start()`` makes ``import slicer, qt, ctk, vtk`` look like the Python console of a running Slicer.
What the stand-ins accept is held to the names of the real classes by ``strict`` and ``real_names.json``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from Testing.SlicerHost.application import Application


def start(testing: bool = True) -> Application:
    """The one application of this process; made on the first call.

    Args:
        testing: what ``slicer.app.testingEnabled()`` answers: message boxes are logged instead of shown.
    """
    from Testing.SlicerHost.startup import start_application

    return start_application(testing)

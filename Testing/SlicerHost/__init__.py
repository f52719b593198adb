"""A stand-in for the 3D Slicer application, for tests only; it is not shipped or installed with the extension.

The package ``slicer-core`` provides Slicer's MRML scene, logics, slice and 3-D displayable managers and
``slicer.util``. The stand-ins on PySide6 provide the rest: a PythonQt-like ``qt``, the ``ctk``, qMRML and qSlicer
widgets that the module uses, and the parts of Slicer's Python that no package offers (``ScriptedLoadableModule``,
``parameterNodeWrapper``, ``i18n``, ``packaging``, ``SampleData``).

``start()`` makes ``import slicer, qt, ctk, vtk`` work as in the Python console of a running Slicer.
``strict`` restricts the stand-ins to the names of the real classes, which ``real_names.json`` lists.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from Testing.SlicerHost.application import Application


def start(testing: bool = True) -> Application:
    """The application of this process; the first call creates it.

    Args:
        testing: value of ``slicer.app.testingEnabled()``; if True, message boxes are logged instead of shown.
    """
    from Testing.SlicerHost.startup import start_application

    return start_application(testing)

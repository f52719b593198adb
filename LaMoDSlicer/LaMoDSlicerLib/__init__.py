"""Library of the LaMoD Strain module.

Importing this package makes LaMoDCore importable. LaMoDCore itself is imported inside functions only, so that
Slicer starts fast.
"""

from LaMoDSlicerLib.Worker import CoreLibrary

CoreLibrary.makeImportable()

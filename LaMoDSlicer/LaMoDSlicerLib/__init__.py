"""Library of the LaMoD Strain module.

Importing this package makes LaMoDCore importable and sets the folder of the user's models. LaMoDCore itself is
imported inside functions only, so that Slicer starts fast.
"""

from LaMoDSlicerLib.Worker import CoreLibrary, ModelFolder

CoreLibrary.makeImportable()
ModelFolder.use()

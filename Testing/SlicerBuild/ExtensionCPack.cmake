# Slicer packs the install tree here; the stand-in does nothing.

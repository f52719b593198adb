# Slicer packs the install tree here; the stand-in has nothing to pack.

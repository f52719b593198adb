"""Image files (NIfTI, NRRD, sequences, MetaImage) as stacks of frames with geometry and times."""

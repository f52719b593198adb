"""Read DENSE images from DICOM, NumPy arrays and DENSEanalysis workspaces; write them as arrays."""

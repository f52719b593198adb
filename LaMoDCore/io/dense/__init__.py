"""DENSE images: DICOM, arrays and DENSEanalysis workspaces."""

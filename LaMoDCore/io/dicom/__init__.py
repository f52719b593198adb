"""DICOM series and segmentation objects."""

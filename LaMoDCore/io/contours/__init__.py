"""Read contours of other programs, and write contours as DICOM SEG."""

"""The contour checks, one file per fault: functions from the shapes of a slice to findings."""

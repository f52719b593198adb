"""Check and repair contours, and find the RV insertion point."""

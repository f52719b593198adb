"""Any image file as frames with geometry, times and labels: find the format, describe, rewrite."""

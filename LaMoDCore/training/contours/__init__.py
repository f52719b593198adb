"""Training of a contour engine on synthetic scenes."""

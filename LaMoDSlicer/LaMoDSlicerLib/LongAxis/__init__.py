"""Long-axis slices: rows of the heart, landmarks, lines in the views, and longitudinal strain by length."""

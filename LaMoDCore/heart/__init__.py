"""The heart as data: geometry, cases, the canonical image, material and spatial descriptions."""

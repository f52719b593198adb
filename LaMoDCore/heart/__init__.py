"""The heart as data: geometry, cases, the canonical picture, material and spatial descriptions."""

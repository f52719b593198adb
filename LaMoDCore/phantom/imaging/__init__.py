"""What a scanner and a reader make of a synthetic heart: cine, DENSE images and drawn contours."""

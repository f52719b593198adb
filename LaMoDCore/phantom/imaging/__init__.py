"""Simulated imaging and annotation of synthetic hearts: cine and DENSE images, drawn contours."""

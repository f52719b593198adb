"""Synthetic hearts: anatomy, closed-form motion with exact strain, pictures, and cohorts of them."""

from LaMoDCore.phantom.annotator import Annotator, annotate, draw_annotator
from LaMoDCore.phantom.contours import PolarContours
from LaMoDCore.phantom.demo import demo_case, demo_truth
from LaMoDCore.phantom.diseases import DISEASES
from LaMoDCore.phantom.slices import PhantomSlice, WallStrain
from LaMoDCore.phantom.subject import Subject, sample_subject

__all__ = [
    "DISEASES",
    "Annotator",
    "PhantomSlice",
    "PolarContours",
    "Subject",
    "WallStrain",
    "annotate",
    "demo_case",
    "demo_truth",
    "draw_annotator",
    "sample_subject",
]

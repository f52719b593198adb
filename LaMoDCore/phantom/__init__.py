"""Synthetic hearts: anatomy, closed-form motion with exact strain, pictures, contours and cohorts.

Sub-packages, from the lowest layer to the highest: heart, imaging, cohort.
"""

from LaMoDCore.phantom.cohort.demo import demo_case, demo_truth
from LaMoDCore.phantom.heart.contours import PolarContours
from LaMoDCore.phantom.heart.diseases import DISEASES
from LaMoDCore.phantom.heart.parameters import SliceParameters, SubjectParameters
from LaMoDCore.phantom.heart.slices import PhantomSlice, WallStrain
from LaMoDCore.phantom.heart.subject import Subject, sample_subject
from LaMoDCore.phantom.imaging.annotator import Annotator, annotate, draw_annotator

__all__ = [
    "DISEASES",
    "Annotator",
    "PhantomSlice",
    "PolarContours",
    "SliceParameters",
    "Subject",
    "SubjectParameters",
    "WallStrain",
    "annotate",
    "demo_case",
    "demo_truth",
    "draw_annotator",
    "sample_subject",
]

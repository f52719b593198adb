"""The synthetic ventricle in three dimensions: its motion along the long axis, and cuts by long-axis planes."""

"""The ring over the cardiac cycle: end-diastole, common phases, shapes in time, carrying contours to other frames."""

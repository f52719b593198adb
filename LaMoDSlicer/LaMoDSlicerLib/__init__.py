"""The parts of the LaMoD Strain module, one class a file."""

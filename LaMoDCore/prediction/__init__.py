"""From a case to motion, strain and result files."""

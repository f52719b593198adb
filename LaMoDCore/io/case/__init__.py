"""Read masks and cine of one heart, in any supported format, as a Case."""

"""A page for browsers: the beating heart with its strain, in one file that needs no network."""

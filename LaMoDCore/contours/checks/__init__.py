"""One file a fault: each has a function from a slice's shapes to findings."""

"""Pages of an evaluation for browsers: index.html, and a page per case."""

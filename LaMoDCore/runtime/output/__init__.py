"""Output folders: their marker, and the rule by which they are replaced or extended."""

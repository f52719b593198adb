"""Results as nodes of the scene: loading, numbers, notes, export."""

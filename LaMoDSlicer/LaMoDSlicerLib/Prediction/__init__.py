"""The prediction panel and its options."""

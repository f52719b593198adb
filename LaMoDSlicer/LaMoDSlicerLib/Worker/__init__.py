"""The background process that runs LaMoDCore."""

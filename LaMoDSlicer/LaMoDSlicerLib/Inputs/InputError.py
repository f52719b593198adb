class InputError(Exception):
    """An input that cannot be used; the message says why and what to do."""

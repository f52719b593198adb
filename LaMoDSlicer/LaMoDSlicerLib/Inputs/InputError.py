class InputError(Exception):
    """An input that the person can mend: the message says what is wrong and what to do."""

from LaMoDSlicerLib.Widgets.PanelWords import inPanel


class InputError(Exception):
    """An input that cannot be used; the message says why and what to do, with the names of the panel's controls."""

    def __init__(self, text: str) -> None:
        super().__init__(inPanel(text))

from LaMoDSlicerLib.Scene.OwnLayouts import OwnLayouts


class TrainingLayout(OwnLayouts):
    """The researcher's layouts: curves beside the picture, curves below three pictures, and three pictures alone."""

    CURVES, COMPARISON, CASE = NUMBERS = 9111, 9112, 9113
    _BEFORE = "lamodLayoutBeforeTraining"

    @classmethod
    def _description(cls, number: int) -> str:
        if number == cls.CURVES:
            return cls._split("horizontal", cls._slice("Red", 4), cls._PLOT)
        pictures = cls._split("horizontal", *(cls._slice(name, 1) for name in cls._SLICES))
        if number == cls.CASE:
            return pictures
        return cls._split("vertical", f'<item splitSize="5">{pictures}</item>', cls._PLOT)

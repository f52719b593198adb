import qt


class FittedPicture(qt.QLabel):
    """A picture that is scaled to the width of its area and never widens it."""

    def __init__(self) -> None:
        qt.QLabel.__init__(self)
        self._picture = qt.QPixmap()
        # otherwise the label requests the width of its picture, and the area could not shrink
        self.setSizePolicy(qt.QSizePolicy.Ignored, qt.QSizePolicy.Fixed)

    def showPicture(self, picture: qt.QPixmap) -> None:
        self._picture = picture
        self._fit()

    def resizeEvent(self, event: qt.QResizeEvent) -> None:
        qt.QLabel.resizeEvent(self, event)
        if event.size().width() != event.oldSize().width():
            self._fit()

    def _fit(self) -> None:
        if not self._picture.isNull():
            self.setPixmap(self._picture.scaledToWidth(max(self.width, 100), qt.Qt.SmoothTransformation))

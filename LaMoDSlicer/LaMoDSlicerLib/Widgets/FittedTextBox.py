from typing import Any

import qt


class FittedTextBox(qt.QTextBrowser):
    """A read-only text that is as high as its contents, if the layout has room for it; otherwise it scrolls."""

    LEAST_LINES = 2

    def __init__(self, *arguments: Any) -> None:
        qt.QTextBrowser.__init__(self, *arguments)
        self._text = qt.QTextDocument()
        self.setDocument(self._text)
        self.setOpenLinks(False)
        self.setVerticalScrollBarPolicy(qt.Qt.ScrollBarAsNeeded)
        self.setHorizontalScrollBarPolicy(qt.Qt.ScrollBarAlwaysOff)
        self.setMinimumHeight(self.LEAST_LINES * self.fontMetrics().lineSpacing() + 2 * self.frameWidth + 8)

    def showText(self, html: str) -> None:
        """Show rich text."""
        self.setHtml(html)
        self._fit()

    def resizeEvent(self, event: qt.QResizeEvent) -> None:
        qt.QTextBrowser.resizeEvent(self, event)
        self._fit()

    def _fit(self) -> None:
        """The greatest height is that of the text in the present width."""
        self._text.setTextWidth(self.viewport().contentsRect().width())
        height = round(self._text.size.height()) + 2 * self.frameWidth
        self.setMaximumHeight(max(height, self.minimumHeight))

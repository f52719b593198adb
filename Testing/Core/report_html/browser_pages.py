"""Pages in headless Chromium, whose faults are collected."""

from __future__ import annotations

#: Milliseconds after which a page counts as broken. A page is ready after a second, on a busy machine after a minute.
PATIENCE = 300_000
SIZES = {"desktop": (1440, 900), "laptop": (1024, 768), "phone": (390, 844)}
#: Lets scripts read the accessible name and role that Chromium computes for an element.
FEATURES = "--enable-blink-features=ComputedAccessibilityInfo"


class Watched:
    """Pages, and what went wrong in them: errors, warnings, and requests to the network."""

    def __init__(self, browser):
        self.browser, self.faults = browser, []

    def open(self, path, size="desktop", **settings):
        width, height = SIZES[size]
        settings = {"reduced_motion": "reduce", **settings}
        page = self.browser.new_page(viewport={"width": width, "height": height}, **settings)
        page.set_default_timeout(PATIENCE)
        page.on("console", lambda message: message.type in ("error", "warning") and self.faults.append(message.text))
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("request", lambda request: request.url.startswith("http") and self.faults.append(request.url))
        page.on("dialog", lambda dialog: self.faults.append(dialog.message))
        page.goto(path.as_uri())
        page.wait_for_selector("html[data-ready]")
        return page

"""One headless Chromium for all tests of the pages."""

from __future__ import annotations

import shutil

import pytest
from browser_pages import FEATURES, PATIENCE, Watched


@pytest.fixture(scope="session")
def browser():
    playwright = pytest.importorskip("playwright.sync_api", reason="the package playwright is not installed")
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if chromium is None:
        pytest.skip("Chromium is not installed")
    playwright.expect.set_options(timeout=PATIENCE)
    with playwright.sync_playwright() as driver:
        arguments = ["--no-sandbox", "--disable-gpu", FEATURES]
        browser = driver.chromium.launch(executable_path=chromium, timeout=PATIENCE, args=arguments)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def watched(browser):
    return Watched(browser)

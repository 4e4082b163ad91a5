"""Debian's chromium, driven as people use it; without it the browser tests are skipped."""

from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from playwright.async_api import async_playwright

CHROMIUM = Path("/usr/bin/chromium")
needs_chromium = pytest.mark.skipif(not CHROMIUM.exists(), reason="needs Debian's chromium")


@asynccontextmanager
async def open_page(**context):
    """A page that keeps in `errors` what goes wrong in it."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = await browser.new_page(**{"locale": "zh-CN", **context})
        page.errors = []
        page.on("pageerror", lambda error: page.errors.append(str(error)))
        page.on(
            "console", lambda line: page.errors.append(line.text) if line.type == "error" else None
        )
        yield page
        await browser.close()

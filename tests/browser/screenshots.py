"""Photographs the API page of a running service in both languages; `make screenshots` calls it.

Needs `tanhui demo` or `tanhui serve` in another terminal, and Debian's chromium.
"""

import asyncio
import os
import sys
from pathlib import Path

from playwright.async_api import async_playwright

CHROMIUM = "/usr/bin/chromium"
FOLDER = Path("build/screenshots")
URL = os.environ.get("SCREENSHOT_URL", "http://127.0.0.1:8080")
LANGUAGES = {"zh": "zh-CN", "en": "en-GB"}
LOAD_MS = 15_000  # a cold chromium on a busy laptop


async def photograph() -> list[Path]:
    taken = []
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        for language, locale in LANGUAGES.items():
            page = await browser.new_page(locale=locale, viewport={"width": 1_280, "height": 900})
            await page.goto(f"{URL}/docs", wait_until="networkidle", timeout=LOAD_MS)
            path = FOLDER / f"docs-{language}.png"
            await page.screenshot(path=path, full_page=True)
            taken.append(path)
        await browser.close()
    return taken


if __name__ == "__main__":
    if not Path(CHROMIUM).exists():
        sys.exit(f"{CHROMIUM} is not there; Debian's package is called chromium.")
    FOLDER.mkdir(parents=True, exist_ok=True)
    for path in asyncio.run(photograph()):
        print(path)

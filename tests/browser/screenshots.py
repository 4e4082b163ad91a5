"""Photographs pages of a running service in both languages; `make screenshots` calls it.

Paths are arguments, such as `/trace/2Q4AS8VAX1GS`; without one it is the API page.
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


async def photograph(paths: list[str]) -> list[Path]:
    taken = []
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        for language, locale in LANGUAGES.items():
            page = await browser.new_page(locale=locale, viewport={"width": 1_280, "height": 900})
            for path in paths:
                await page.goto(URL + path, wait_until="networkidle", timeout=LOAD_MS)
                file = FOLDER / f"{path.strip('/').replace('/', '-')}-{language}.png"
                await page.screenshot(path=file, full_page=True)
                taken.append(file)
        await browser.close()
    return taken


if __name__ == "__main__":
    if not Path(CHROMIUM).exists():
        sys.exit(f"{CHROMIUM} is not there; Debian's package is called chromium.")
    FOLDER.mkdir(parents=True, exist_ok=True)
    for file in asyncio.run(photograph(sys.argv[1:] or ["/docs"])):
        print(file)

"""The API page in a real browser: it lists what the table holds, and its requests work."""

import pytest

from tests.browser.chromium import needs_chromium, open_page

pytestmark = needs_chromium


@pytest.fixture
async def page():
    async with open_page() as page:
        yield page


async def test_the_page_sends_what_it_shows(server, page) -> None:
    await page.goto(f"http://127.0.0.1:{server.port}/docs")
    await page.fill("#token", "member")
    operation = page.locator("details.operation", has_text="/v1/weighings")
    await operation.locator("> summary").click()
    await operation.locator("textarea").fill('{"mass_g": 5}')
    await operation.get_by_role("button", name="发送").click()
    answer = operation.get_by_role("status")
    await answer.get_by_text("201 Created").wait_for()
    assert '"size": 5' in await answer.inner_text()
    assert page.errors == []


async def test_the_page_sends_forms_and_speaks_english(server, page) -> None:
    await page.goto(f"http://127.0.0.1:{server.port}/docs")
    await page.fill("#token", "member")
    await page.get_by_role("button", name="English").click()
    operation = page.locator("details.operation", has_text="Make a thing.")
    await operation.locator("> summary").click()
    await operation.locator("select").select_option("multipart/form-data")
    await operation.get_by_label("capture").fill("capture-1")
    photo = {"name": "plate.jpg", "mimeType": "image/jpeg", "buffer": b"\xff\xd8" * 50}
    await operation.get_by_label("photo").set_input_files(photo)
    await operation.get_by_role("button", name="Send").click()
    answer = operation.get_by_role("status")
    await answer.get_by_text("202 Accepted").wait_for()
    assert '"size": 100' in await answer.inner_text()
    assert page.errors == []


async def test_a_filter_that_nothing_matches_says_so(server, page) -> None:
    await page.goto(f"http://127.0.0.1:{server.port}/docs")
    await page.fill("#filter", "no such operation")
    await page.get_by_text("没有匹配的接口").wait_for()
    assert page.errors == []

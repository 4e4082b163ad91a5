"""The API page of the real API, whatever forms its requests have."""

import json

import pytest

from tests.acceptance.running_service import serving
from tests.browser.chromium import needs_chromium, open_page

pytestmark = needs_chromium


@pytest.fixture
async def api(engine, tmp_path):
    async with serving(engine, tmp_path, parts="api") as served:
        yield served


async def test_every_operation_is_on_the_page_in_both_languages(api):
    paths = (await api.nobody.get("/openapi.json")).json()["paths"]
    operations = [each for methods in paths.values() for each in methods.values()]
    assert [each["summary"] for each in operations if not each.get("x-summary-zh")] == []
    async with open_page() as page:
        await page.goto(f"{api.base}/docs")
        shown = page.locator("details.operation")
        await shown.first.wait_for()
        assert await shown.count() == len(operations)
        assert page.errors == []
        about = page.locator("#about")
        assert "减碳量" in await about.inner_text()
        await shown.nth(1).locator("> summary").click()
        answers = await shown.nth(1).locator("table").last.inner_text()
        assert "其他问题" in answers
        assert "Any other problem" not in answers
        await page.fill("#filter", "海洋塑料")
        assert 0 < await shown.count() < len(operations)
        await page.fill("#filter", "")
        await page.get_by_role("button", name="English").click()
        assert await shown.count() == len(operations)
        assert "grams of reduction" in await about.inner_text()


async def test_an_event_is_sent_from_the_page_in_each_of_its_forms(api):
    async with open_page(locale="en-GB", viewport={"width": 390, "height": 850}) as page:
        await page.goto(f"{api.base}/docs")
        await page.fill("#token", api.keys["metro"])
        operation = page.locator("details.operation", has_text="Send CloudEvents")
        await operation.locator("> summary").click()
        wide = await page.evaluate("document.documentElement.scrollWidth")
        assert wide == 390, "nothing is cut off on a phone"
        batch = "application/cloudevents-batch+json"
        await operation.locator("select").select_option(batch)
        text = operation.get_by_label(batch)
        assert json.loads(await text.input_value()) == []
        await operation.get_by_role("button", name="Send").click()
        answer = operation.get_by_role("status")
        await answer.get_by_text("200 OK").wait_for()
        assert '"results": []' in await answer.inner_text()
        assert page.errors == []

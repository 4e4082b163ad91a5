"""What opens a partner's doors, and when they close."""

import pytest


async def status_of(scale):
    """401 without a key that works; 422 is the answer to the key's empty weighing."""
    return (await scale.post("/v1/bags/BAG00001/weighings", {})).status


@pytest.mark.parametrize(
    "closing",
    [
        "UPDATE partner_key SET is_revoked = true",
        "UPDATE partner_key SET expires_at = now()",
        "UPDATE partner SET suspended_at = now()",
    ],
)
async def test_a_key_that_was_closed_opens_nothing(api_alone, closing):
    await api_alone.execute(closing)
    assert await status_of(api_alone.by_key("scale")) == 401


async def test_a_key_works_until_the_end_of_its_overlap_and_its_day_of_use_is_noted(api_alone):
    await api_alone.execute("UPDATE partner_key SET expires_at = now() + interval '1 hour'")
    assert await status_of(api_alone.by_key("scale")) == 422
    used = await api_alone.fetch(
        "SELECT scopes, last_used_on = (now() AT TIME ZONE 'Asia/Shanghai')::date AS is_today"
        " FROM partner_key ORDER BY scopes"
    )
    scale, metro = ["bag.weigh", "event.send"], ["trip.report", "event.send"]
    assert [tuple(row) for row in used] == [(scale, True), (metro, None)]

"""The proof: the same checks as `tanhui verify`, on the demo's own database."""

import json

from sqlalchemy.ext.asyncio import AsyncEngine

from backend.demo.screen import Screen
from backend.verify import CHECKS, check_invariants


async def prove(engine: AsyncEngine, screen: Screen) -> bool:
    """Check every invariant and write what was found; False when one is broken."""
    screen.title("验证 tanhui verify")
    breaches = await check_invariants(engine)
    for breach in breaches:
        screen.say(f"  ✗ {breach.name}: {breach.zh} {breach.en} · {breach.count}")
        for example in breach.examples:
            screen.say(f"      {json.dumps(example, default=str, ensure_ascii=False)}")
    if not breaches:
        screen.say(
            f"  ✓ {len(CHECKS)} 项账实检查与全部重算均成立"
            f" {len(CHECKS)} checks and the recomputation of every credit hold"
        )
    return not breaches

"""Where other trainings of the shipped recipe came out: how far a repetition may lie from the card.

`python -m models.evaluate --file new/plate.onnx --repetition` notes one in `repetitions.json`; the
next card shows it beside the shipped model's figures and says whether it lies in their intervals.
"""

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from models.evaluation import SourceFigures

REPETITIONS: Final = Path(__file__).with_name("repetitions.json")


def record(name: str, figures: Sequence[SourceFigures]) -> None:
    """Write the figures of one training; the same name again replaces them."""
    known = _known()
    known[name] = {each.source: _noted(each) for each in figures}
    REPETITIONS.write_text(json.dumps(known, indent=1) + "\n", encoding="utf-8")


def repetitions_text(figures: Sequence[SourceFigures]) -> str:
    """A Markdown table: the shipped model's areas with their intervals, then every repetition's."""
    known = _known()
    head = f"| area | shipped | {' | '.join(known) or 'none yet'} |"
    rows = [row for each in figures for row in _rows(each, list(known.values()))]
    return "\n".join([head, "|---" * (2 + max(1, len(known))) + "|", *rows])


def _known() -> dict[str, dict[str, Any]]:
    if not REPETITIONS.is_file():
        return {}
    known: dict[str, dict[str, Any]] = json.loads(REPETITIONS.read_text(encoding="utf-8"))
    return known


def _noted(source: SourceFigures) -> Mapping[str, float | None]:
    areas = {"clean": source.clean_auc[0], "plate": source.plate_auc}
    return {name: None if math.isnan(value) else round(value, 3) for name, value in areas.items()}


def _rows(shipped: SourceFigures, known: Sequence[Mapping[str, Any]]) -> list[str]:
    middle, low, high = shipped.clean_auc
    rows = []
    if not math.isnan(middle):
        cells = [_beside(each, shipped.source, "clean", (low, high)) for each in known]
        rows.append(
            _row(f"{shipped.source}: clean", f"{middle:.3f} ({low:.3f} to {high:.3f})", cells)
        )
    if shipped.counts["not_a_plate"] > 1:
        cells = [_beside(each, shipped.source, "plate", None) for each in known]
        rows.append(_row(f"{shipped.source}: plate", f"{shipped.plate_auc:.3f}", cells))
    return rows


def _row(name: str, shipped: str, cells: Sequence[str]) -> str:
    return f"| {name} | {shipped} | {' | '.join(cells)} |"


def _beside(
    known: Mapping[str, Any], source: str, area: str, interval: tuple[float, float] | None
) -> str:
    value = known.get(source, {}).get(area)
    if value is None:
        return ""
    if interval is None:
        return f"{value:.3f}"
    return f"{value:.3f}, {'inside' if interval[0] <= value <= interval[1] else 'outside'}"

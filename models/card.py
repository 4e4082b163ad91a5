"""The model card: what a stranger must know before believing a score, and the service's numbers."""

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from models.evaluation import RENDERED, Scored, SourceFigures, figures_of, kinds_of
from models.metrics import rate_bound
from models.network_shape import EMBEDDING_DIM, INPUT_PX
from models.repetitions import repetitions_text
from scoring.model_card import ModelCard, Thresholds
from scoring.plate import CLASSES

# Lets a model be scored before anybody chose its thresholds.
PROVISIONAL: Final = Thresholds(5_000, 5_000, 5_000, 5_000, 0.0, 0.0)

EXPERIMENTS: Final = Path(__file__).with_name("experiments.json")
_TEXT: Final = Path(__file__).with_name("card_template.md")


def provisional_card(model: bytes) -> ModelCard:
    """A card without chosen thresholds, for the evaluation that chooses them."""
    return ModelCard(
        hashlib.sha256(model).hexdigest(), CLASSES, INPUT_PX, EMBEDDING_DIM, PROVISIONAL
    )


def card_text(
    card: ModelCard,
    rows: Sequence[Scored],
    fair: Sequence[Scored],
    notes: Mapping[str, str],
) -> str:
    """The whole card, front matter first.

    Args:
        card: with the chosen thresholds.
        rows: the held-out photos, judged by those thresholds.
        fair: the same where no photo had a say in the thresholds that judge it.
        notes: how the model was made.
    """
    limits = {name: getattr(card.thresholds, name) for name in Thresholds.__dataclass_fields__}
    front = "\n".join(f"{name} = {value}" for name, value in limits.items())
    classes = ", ".join(f'"{name}"' for name in card.classes)
    body = _TEXT.read_text(encoding="utf-8").format(
        **limits,
        **notes,
        figures=figures_text(rows),
        crossed=crossed_text(fair),
        repetitions=repetitions_text(figures_of(rows)),
        experiments=experiments_text(json.loads(EXPERIMENTS.read_text(encoding="utf-8"))),
    )
    return (
        f'+++\nsha256 = "{card.sha256}"\nclasses = [{classes}]\ninput_px = {card.input_px}\n'
        f"embedding_dim = {card.embedding_dim}\n\n[thresholds]\n{front}\n+++\n\n{body}"
    )


def figures_text(rows: Sequence[Scored]) -> str:
    """Three Markdown tables: plates, things that are none, and rendered ones kind by kind."""
    figures = figures_of(rows)
    return "\n\n".join(
        (
            _plates_table(figures),
            _things_table("source", figures),
            _things_table("rendered", kinds_of(rows)),
        )
    )


def crossed_text(rows: Sequence[Scored]) -> str:
    """A Markdown table of the four rates that thresholds are chosen for."""
    head = (
        "| source | clean accepted | clean rejected | residue accepted | leftover or full accepted "
        "| no plate accepted |"
    )
    return "\n".join([head, "|---" * 6 + "|", *map(_crossed_row, figures_of(rows))])


def _crossed_row(source: SourceFigures) -> str:
    counts, accepted = source.counts, source.accepted
    return (
        f"| {source.source} | {_share(accepted['clean'], counts['clean'])} | "
        f"{_share(source.rejected['clean'], counts['clean'])} | "
        f"{_bounded(accepted['residue'], counts['residue'])} | "
        f"{_bounded(accepted['leftover'] + accepted['full'], counts['leftover'] + counts['full'])}"
        f" | {_bounded(accepted['not_a_plate'], counts['not_a_plate'])} |"
    )


def experiments_text(experiments: Mapping[str, Mapping[str, Any]]) -> str:
    """A Markdown table of what `models.experiments` measured, one row per training."""
    columns = sorted({name for one in experiments.values() for name in one["auc"]})
    rows = [
        f"| {name} | {one['steps']} | "
        + " | ".join(_area(one["auc"].get(column)) for column in columns)
        + " |"
        for name, one in experiments.items()
    ]
    head = f"| training | steps | {' | '.join(columns)} |"
    return "\n".join([head, "|---" * (len(columns) + 2) + "|", *rows])


def with_experiments(card: str, experiments: Mapping[str, Mapping[str, Any]]) -> str:
    """A card's text with another table of experiments."""
    before, heading, rest = card.partition("| training | steps |")
    _, next_heading, after = rest.partition("\n## ")
    return f"{before}{experiments_text(experiments)}\n{next_heading}{after}" if heading else card


def _area(area: Sequence[float] | None) -> str:
    return "" if area is None else f"{area[0]:.3f} ({area[1]:.3f} to {area[2]:.3f})"


def _plates_table(figures: Sequence[SourceFigures]) -> str:
    head = (
        "| source | clean / residue / leftover / full | AUC clean against other plates | "
        "clean accepted | clean rejected | residue accepted | leftover or full accepted | "
        "taken for a screen | ECE | leftover fraction off by |"
    )
    rows = [
        _plates_row(source)
        for source in figures
        if sum(source.counts.values()) > source.counts["not_a_plate"]
    ]
    return "\n".join([head, "|---" * 10 + "|", *rows])


def _plates_row(source: SourceFigures) -> str:
    counts = " / ".join(str(source.counts[name]) for name in CLASSES[:4])
    middle, low, high = source.clean_auc
    eaten = source.accepted["leftover"] + source.accepted["full"]
    total = source.counts["leftover"] + source.counts["full"]
    plates = sum(source.counts[name] for name in CLASSES[:4])
    plates_suspected = sum(source.suspected[name] for name in CLASSES[:4])
    return (
        f"| {source.source} | {counts} | {middle:.3f} ({low:.3f} to {high:.3f}) | "
        f"{_share(source.accepted['clean'], source.counts['clean'])} | "
        f"{_share(source.rejected['clean'], source.counts['clean'])} | "
        f"{_bounded(source.accepted['residue'], source.counts['residue'])} | "
        f"{_bounded(eaten, total)} | {_share(plates_suspected, plates)} | "
        f"{source.calibration:.3f} | {_mean(source.fraction_error)} |"
    )


def _things_table(what: str, figures: Sequence[SourceFigures]) -> str:
    head = f"| {what} | photos of no plate | AUC | rejected | taken for a screen | accepted |"
    rows = [_things_row(source) for source in figures if source.counts["not_a_plate"]]
    return "\n".join([head, "|---" * 6 + "|", *rows])


def _things_row(source: SourceFigures) -> str:
    total = source.counts["not_a_plate"]
    rendered = source.source == RENDERED
    name = "rendered, with screens, prints and edits" if rendered else source.source
    return (
        f"| {name} | {total} | {source.plate_auc:.3f} | "
        f"{_share(source.rejected['not_a_plate'], total)} | "
        f"{_share(source.suspected['not_a_plate'], total)} | "
        f"{_bounded(source.accepted['not_a_plate'], total)} |"
    )


def _mean(error: float) -> str:
    return "unknown" if math.isnan(error) else f"{error:.2f}"


def _share(count: int, total: int) -> str:
    return f"{count} of {total}" + (f" ({count / total:.1%})" if total else "")


def _bounded(count: int, total: int) -> str:
    return f"{_share(count, total)}, below {rate_bound(count, total):.1%}" if total else "none"

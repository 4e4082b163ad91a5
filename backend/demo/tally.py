"""What the demo was answered, counted on the client's side; the operator's summary must agree."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from backend.demo.album import PARTS, Photo
from backend.demo.client import DUPLICATE, Reply
from backend.demo.screen import Screen

OUTCOMES: Mapping[str, str] = {
    "credited": "已入账 credited",
    "in_review": "复核中 in review",
    "rejected": "未计入 not counted",
    "duplicate": "已用过 used before",
    "unread": "未收 not taken",
    "waiting": "识别中 waiting",
}
NEEDED = ("credited", "in_review", "rejected")  # columns that stand even when they are all zero


@dataclass(slots=True)
class Tally:
    """Answers so far.

    Attributes:
        check_ins: Ids that the API has acknowledged.
        outcomes: By (group, part) of the photo: how often each of `OUTCOMES` was answered.
        reasons: How often each message was read by a member.
        replays: Reports that were repeated and counted once.
        points_spent: What tills have settled.
    """

    check_ins: set[str] = field(default_factory=set)
    outcomes: dict[tuple[str, str], Counter[str]] = field(default_factory=dict)
    reasons: Counter[str] = field(default_factory=Counter)
    duplicates_refused: int = 0
    replays: int = 0
    points_spent: int = 0

    def note(self, reply: Reply) -> Reply:
        """Count the answer to any check-in."""
        if reply.is_taken:
            self.check_ins.add(reply.body["id"])
            self.replays += reply.is_replay
        elif reply.problem == DUPLICATE:
            self.duplicates_refused += 1
        return reply

    def note_photo(self, photo: Photo, reply: Reply) -> Reply:
        """Count the answer to a photo that its member sent for the first time."""
        outcome = _outcome(self.note(reply))
        self.outcomes.setdefault((photo.group, photo.part), Counter())[outcome] += 1
        if outcome != "credited":
            self.reasons[_words(reply)] += 1
        return reply

    def show(self, screen: Screen) -> None:
        """Write what became of the photos, by folder or kind, and why."""
        every = sum(self.outcomes.values(), Counter[str]())
        columns = [name for name in OUTCOMES if name in NEEDED or every[name]]
        head = [
            *("照片 photos", "训练 training", "共 sent"),
            *(OUTCOMES[name] for name in columns),
        ]
        rows: list[list[str | int]] = [
            [group, PARTS[part], counts.total(), *(counts[name] for name in columns)]
            for (group, part), counts in sorted(self.outcomes.items())
        ]
        rows.append(["合计 all", "", every.total(), *(every[name] for name in columns)])
        screen.table(head, rows)
        for words, count in self.reasons.most_common():
            screen.say(f"  {count:>4} × {words}")


def _outcome(reply: Reply) -> str:
    if reply.problem == DUPLICATE:
        return "duplicate"
    if not reply.is_taken:
        return "unread"
    status = str(reply.body["status"])
    return status if status in OUTCOMES else "waiting"


def _words(reply: Reply) -> str:
    if reply.is_taken:
        return str(reply.body["message"])
    return str(reply.body.get("title") or reply.status)

"""`tanhui verify`: whether everything that the tables say fits together.

A list of checks, each a sentence and one statement that returns what breaches it, run in one
snapshot. Reads only, with the rights of the application role, so anyone who may read may verify.
"""

from backend.verify.check import Check, Finding
from backend.verify.checks import CHECKS
from backend.verify.command import verify_database
from backend.verify.examination import Examination, check_invariants, examine

__all__ = [
    "CHECKS",
    "Check",
    "Examination",
    "Finding",
    "check_invariants",
    "examine",
    "verify_database",
]

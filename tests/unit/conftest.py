"""Rules compiled again for each test of `make mutate`: mutants share a process with warm caches."""

import os

import pytest


@pytest.fixture(autouse="MUTANT_UNDER_TEST" in os.environ)
def fresh_rules() -> None:
    from scoring.methodology import load_catalogue

    catalogue = load_catalogue()
    catalogue.rule_on.cache_clear()
    catalogue.rule_of.cache_clear()

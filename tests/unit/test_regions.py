"""What is taken for a region: every place that factors know, and nothing outside the provinces."""

import re

import pytest

from backend.demo.city import CITY_REGION, DISTRICTS
from backend.units import AREA_PATTERN, REGION_PATTERN
from scoring.methodology.regions import REGIONS


def test_every_place_that_factors_know_is_a_region():
    assert [each.code for each in REGIONS if not re.match(REGION_PATTERN, each.code)] == []


@pytest.mark.parametrize("code", [CITY_REGION, *DISTRICTS])
def test_the_fictional_city_lies_in_a_province(code):
    assert re.match(REGION_PATTERN, code)


@pytest.mark.parametrize("code", ["000000", "840100", "999999", "160000", "33010", "3301000"])
def test_other_digits_are_no_region(code):
    assert not re.match(REGION_PATTERN, code)


@pytest.mark.parametrize("digits", ["", "33", "3301", "330106", *DISTRICTS])
def test_an_area_is_the_first_digits_of_a_region(digits):
    assert re.match(AREA_PATTERN, digits)


@pytest.mark.parametrize("digits", ["84", "8401", "840100", "99", "3", "330", "33010", "3301061"])
def test_other_digits_are_no_area(digits):
    assert not re.match(AREA_PATTERN, digits)

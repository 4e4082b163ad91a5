"""The command line's inputs as whole base units: exact or refused, never rounded."""

import json
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from scoring.methodology.quantities import (
    QUANTITIES,
    decimal_text,
    kind_of,
    material_of,
    quantity_of,
)
from scoring.methodology.refusals import (
    ExclusiveInputs,
    MalformedInputs,
    MaterialNeeded,
    MissingInput,
    Negative,
    NotANumber,
    TooFine,
    TooLarge,
    UnknownInput,
    UnknownMaterial,
)
from scoring.methodology.version import MethodologyVersion

# In the input's unit, such as kg or km: beyond any activity, and its base units fit a BIGINT.
AMOUNT_MAX = 10**9
DIGITS_MAX = 40  # longer numbers are no measurement; a limit before any power of ten is taken
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?", re.ASCII)
_KINDS = {quantity.given_as: name for name, quantity in QUANTITIES.items()}


def parse_inputs(text: str) -> dict[str, Any]:
    """Inputs from JSON with every fraction kept as an exact Decimal.

    Raises:
        MalformedInputs: not a JSON object, or one that gives an input twice.
    """
    try:
        inputs = json.loads(
            text, parse_float=Decimal, parse_constant=Decimal, object_pairs_hook=_unrepeated
        )
    except (ValueError, RecursionError) as broken:
        raise MalformedInputs(f"the inputs are no JSON object: {broken}") from broken
    if not isinstance(inputs, dict):
        raise MalformedInputs("the inputs are no JSON object")
    return inputs


def quantities_from(inputs: Mapping[str, Any], version: MethodologyVersion) -> dict[str, int]:
    """Quantities in base units from inputs such as `{"mass_kg": {"pet": "1.2"}}`.

    Raises:
        UnknownInput, UnknownMaterial, MaterialNeeded, MissingInput, ExclusiveInputs: the inputs do
            not fit the methodology.
        NotANumber, Negative, TooFine, TooLarge: an amount does not fit its unit.
    """
    quantities: dict[str, int] = {}
    for name, given in inputs.items():
        quantities |= _quantities_of_input(name, given, version)
    counted = [name for name in _countable(version) if name in quantities]
    if not counted:
        raise MissingInput(f"{version.methodology_id} needs one of {_accepted(version)}")
    if version.combine == "first_given" and len(counted) > 1:
        raise ExclusiveInputs(f"{version.methodology_id} counts one of {_accepted(version)}")
    return quantities


def inputs_from(quantities: Mapping[str, int]) -> dict[str, Any]:
    """The inputs that quantities stand for, as exact decimal strings."""
    inputs: dict[str, Any] = {}
    for name, amount in quantities.items():
        quantity = quantity_of(name)
        text = decimal_text(amount, quantity.shift)
        if material := material_of(name):
            inputs.setdefault(quantity.given_as, {})[material] = text
        else:
            inputs[quantity.given_as] = text
    return inputs


def base_units(name: str, given: object, shift: int) -> int:
    """`given` x 10 ** `shift` as a whole number.

    Raises:
        NotANumber: neither a whole number, a Decimal nor a decimal string.
        Negative: below zero.
        TooLarge: above `AMOUNT_MAX`.
        TooFine: finer than one base unit.
    """
    number = _number(name, given)
    if number < 0:
        raise Negative(f"{name} is below zero")
    if number > AMOUNT_MAX:
        raise TooLarge(f"{name} is above {AMOUNT_MAX}")
    if not number:
        return 0
    _, digits, exponent = number.as_tuple()
    power = int(exponent) + shift
    if len(digits) > DIGITS_MAX or -power > len(digits):
        raise TooFine(f"{name} is finer than 10**-{shift}")
    mantissa = int("".join(map(str, digits)))
    if power >= 0:
        return mantissa * int(10**power)
    amount, rest = divmod(mantissa, int(10**-power))
    if rest:
        raise TooFine(f"{name} is finer than 10**-{shift}")
    return amount


def _unrepeated(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise MalformedInputs("an input is given twice")
    return fields


def _number(name: str, given: object) -> Decimal:
    if isinstance(given, str) and _NUMBER.fullmatch(given) is not None:
        return Decimal(given)
    if isinstance(given, bool) or not isinstance(given, int | Decimal):
        raise NotANumber(f"{name}: {given!r} is not an exact decimal number")
    number = Decimal(given)
    if not number.is_finite():
        raise NotANumber(f"{name}: {given!r} is not a finite number")
    return number


def _quantities_of_input(name: str, given: object, version: MethodologyVersion) -> dict[str, int]:
    kind = _KINDS.get(name, "")
    countable = _countable(version)
    multiplying = {cap.per for cap in version.caps.values() if cap.per}
    if kind not in {kind_of(quantity) for quantity in countable} | multiplying:
        raise UnknownInput(f"{version.methodology_id} takes {_accepted(version)}, not {name!r}")
    shift = QUANTITIES[kind].shift
    if isinstance(given, Mapping):
        return {
            _material(f"{kind}.{material}", version): base_units(f"{name} {material}", mass, shift)
            for material, mass in given.items()
        }
    if kind not in countable and kind not in multiplying:
        raise MaterialNeeded(f"{version.methodology_id} needs {name} by material")
    return {kind: base_units(name, given, shift)}


def _material(quantity: str, version: MethodologyVersion) -> str:
    if quantity not in _countable(version):
        known = [material_of(name) for name in _countable(version) if material_of(name)]
        raise UnknownMaterial(f"{material_of(quantity)!r} is not one of the materials {known}")
    return quantity


def _countable(version: MethodologyVersion) -> list[str]:
    return [formula.quantity for formula in version.formulas]


def _accepted(version: MethodologyVersion) -> list[str]:
    return list(dict.fromkeys(quantity_of(name).given_as for name in _countable(version)))

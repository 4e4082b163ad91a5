"""What the methodology library refuses, by name.

`CannotCalculate` is about one request or one activity and carries a stable `code` for machines;
`CatalogueBroken` is about the data files and stops the start.
"""

from typing import ClassVar


class CannotCalculate(ValueError):
    """No reduction can be given for these inputs; `code` is stable across releases."""

    code: ClassVar[str] = "cannot_calculate"


class UnknownMethodology(CannotCalculate):
    """Neither a methodology id nor an action of the catalogue."""

    code = "unknown_methodology"


class UnknownVersion(CannotCalculate):
    """No version of the catalogue has this content hash."""

    code = "unknown_version"


class NoVersion(CannotCalculate):
    """The methodology has no version that is valid on the day of the activity."""

    code = "no_version"


class NoFactor(CannotCalculate):
    """No factor is published for this region and day, and guessing one would be a fiction."""

    code = "no_factor"


class UnknownRegion(CannotCalculate):
    """Not a six-digit GB/T 2260 code, a province's short name or its ISO 3166-2 code."""

    code = "unknown_region"


class UnknownTier(CannotCalculate):
    """Neither documented nor self_declared."""

    code = "unknown_tier"


class MalformedInputs(CannotCalculate):
    """Not a JSON object, or one that gives an input twice."""

    code = "malformed_inputs"


class UnknownInput(CannotCalculate):
    """An input or quantity that the methodology does not count."""

    code = "unknown_input"


class MissingInput(CannotCalculate):
    """None of the quantities that the methodology counts was given."""

    code = "missing_input"


class ExclusiveInputs(CannotCalculate):
    """Two quantities were given of which the methodology counts one, such as distance or rides."""

    code = "exclusive_inputs"


class UnknownMaterial(CannotCalculate):
    """A material without a factor in this methodology."""

    code = "unknown_material"


class MaterialNeeded(CannotCalculate):
    """A mass was given as one number where each material has its own factor."""

    code = "material_needed"


class NotANumber(CannotCalculate):
    """Not an exact decimal number: a word, NaN, an infinity, a boolean or a binary float."""

    code = "not_a_number"


class Negative(CannotCalculate):
    """A quantity below zero."""

    code = "negative"


class TooFine(CannotCalculate):
    """Finer than the base unit; rounding it silently would change what was reported."""

    code = "too_fine"


class TooLarge(CannotCalculate):
    """Beyond what any person or station reports in one activity."""

    code = "too_large"


class MixedPeriods(CannotCalculate):
    """Activities of two days (or years) were handed to one reduction; caps would be shared."""

    code = "mixed_periods"


class RepeatedKey(CannotCalculate):
    """Two activities of one period carry the same natural key."""

    code = "repeated_key"


class NaiveTime(CannotCalculate):
    """A time without its offset cannot be given to a day."""

    code = "naive_time"


class NotCreditable(CannotCalculate):
    """A draft: its figures are not good enough yet to put grams on anyone's account."""

    code = "not_creditable"


class ProjectNotPersonal(CannotCalculate):
    """A project's reductions belong to its owner, never to a personal account."""

    code = "project_not_personal"


class CatalogueBroken(ValueError):
    """A data file cannot be used: where, what is wrong there, and what to do about it.

    Attributes:
        where: file, and row with its id where there is one.
        also: further faults that the same reading found.
    """

    def __init__(self, where: str, what: str, do: str) -> None:
        super().__init__(f"{where}: {what}. {do}.")
        self.where = where
        self.what = what
        self.do = do
        self.also: tuple[CatalogueBroken, ...] = ()

    @property
    def faults(self) -> "tuple[CatalogueBroken, ...]":
        """All of them, this one first."""
        return (self, *self.also)


class FieldMissing(CatalogueBroken):
    """A field that every row of its kind must have."""


class FieldUnknown(CatalogueBroken):
    """A field that nothing reads: most likely a misspelt one."""


class FieldInvalid(CatalogueBroken):
    """A field of the wrong type or outside its closed list."""


class FactorWithoutSource(CatalogueBroken):
    """A factor that names no source, or one that the file does not describe."""


class FactorWithoutUnit(CatalogueBroken):
    """A factor without a unit of numerator and denominator from the closed table."""


class UnitsDoNotCancel(CatalogueBroken):
    """Quantity times factors is not a mass of CO2 or CO2e."""


class ValidityOverlaps(CatalogueBroken):
    """Two versions, or two rows of one series, claim the same day."""


class ValidityGap(CatalogueBroken):
    """A day without a version between two versions, or a version without a usable factor."""


class YearsSwapped(CatalogueBroken):
    """A column of factors carries the values of another data year, or others than on record."""

"""From accepted activities to whole grams of CO2e, by versioned methodologies with dated factors.

Pure: no database, no HTTP, no clock. Everything that an auditor needs to recompute a credit.
"""

from scoring.methodology.calculation import Calculation, calculate, explain
from scoring.methodology.catalogue import Catalogue, load_catalogue, read_catalogue
from scoring.methodology.check import check, read_proposal
from scoring.methodology.diff import Change, diff
from scoring.methodology.engine import (
    ENGINE,
    ENGINES,
    SHANGHAI,
    day_of,
    period_of,
    reduce_period,
)
from scoring.methodology.inputs import parse_inputs
from scoring.methodology.refusals import (
    CannotCalculate,
    CatalogueBroken,
    ExclusiveInputs,
    MalformedInputs,
    MaterialNeeded,
    MissingInput,
    MixedPeriods,
    NaiveTime,
    Negative,
    NoFactor,
    NotANumber,
    NotCreditable,
    NoVersion,
    ProjectNotPersonal,
    RepeatedKey,
    TooFine,
    TooLarge,
    UnknownInput,
    UnknownMaterial,
    UnknownMethodology,
    UnknownRegion,
    UnknownTier,
    UnknownVersion,
)
from scoring.methodology.regions import Region, region_named, region_of
from scoring.methodology.values import Activity, Reason, Reduction, Tier
from scoring.methodology.version import MethodologyVersion

__all__ = [
    "ENGINE",
    "ENGINES",
    "SHANGHAI",
    "Activity",
    "Calculation",
    "CannotCalculate",
    "Catalogue",
    "CatalogueBroken",
    "Change",
    "ExclusiveInputs",
    "MalformedInputs",
    "MaterialNeeded",
    "MethodologyVersion",
    "MissingInput",
    "MixedPeriods",
    "NaiveTime",
    "Negative",
    "NoFactor",
    "NoVersion",
    "NotANumber",
    "NotCreditable",
    "ProjectNotPersonal",
    "Reason",
    "Reduction",
    "Region",
    "RepeatedKey",
    "Tier",
    "TooFine",
    "TooLarge",
    "UnknownInput",
    "UnknownMaterial",
    "UnknownMethodology",
    "UnknownRegion",
    "UnknownTier",
    "UnknownVersion",
    "calculate",
    "check",
    "day_of",
    "diff",
    "explain",
    "load_catalogue",
    "parse_inputs",
    "period_of",
    "read_catalogue",
    "read_proposal",
    "reduce_period",
    "region_named",
    "region_of",
]

"""What an author is told about a file: every fault at once, where it is, and what to do."""

from datetime import date

import pytest

from scoring.methodology import (
    NotCreditable,
    ProjectNotPersonal,
    UnknownMethodology,
    calculate,
    check,
    diff,
    load_catalogue,
    read_catalogue,
    read_proposal,
)
from scoring.methodology.catalogue import packaged_texts, read_factor_sets
from scoring.methodology.columns import checksum, columns_on_record
from scoring.methodology.refusals import (
    CatalogueBroken,
    FactorWithoutSource,
    FactorWithoutUnit,
    FieldInvalid,
    FieldMissing,
    FieldUnknown,
    UnitsDoNotCancel,
    ValidityGap,
    ValidityOverlaps,
    YearsSwapped,
)

CATALOGUE = load_catalogue()
METHODOLOGIES, FACTORS = packaged_texts("catalogue"), packaged_texts("factors")
PLATE = METHODOLOGIES["TPH-FOOD-01_v1.0.0.toml"]
CUP = METHODOLOGIES["TPH-PACK-02_v1.0.0.toml"]


def faults_of(factors: dict[str, str], methodologies: dict[str, str] = METHODOLOGIES):
    with pytest.raises(CatalogueBroken) as caught:
        read_catalogue(methodologies, factors)
    return caught.value.faults


def with_factors(name: str, *changes: tuple[str, str]) -> dict[str, str]:
    text = FACTORS[name]
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    return {**FACTORS, name: text}


def test_all_faults_of_all_files_are_told_at_once() -> None:
    factors = with_factors(
        "food_2026.toml",
        ('value = "0.038"', 'value = "0,038"'),
        ('denominator = "meal"\n', ""),
        ('source = "caas"\n', ""),
        ("published_on = 2023-06-20", 'published_on = "June"'),
    )
    factors["nature_2026.toml"] += '\n[[factor]]\nid = "bare"\n'
    faults = faults_of(factors)
    assert [(type(each), each.where) for each in faults[:4]] == [
        (FieldInvalid, "food_2026.toml: factor 1 (food-saved-clearplate-2021)"),
        (FactorWithoutUnit, "food_2026.toml: factor 1 (food-saved-clearplate-2021)"),
        (FieldInvalid, "food_2026.toml: factor 2 (food-production-caas-2023)"),
        (FactorWithoutSource, "food_2026.toml: factor 2 (food-production-caas-2023)"),
    ]
    assert {each.where for each in faults[4:]} == {"nature_2026.toml: factor 4 (bare)"}


@pytest.mark.parametrize(
    ("change", "kind", "where"),
    [
        (('source = "clearplate"', ""), FactorWithoutSource, "factor 1"),
        (('denominator = "meal"', 'denominator = "plate"'), FactorWithoutUnit, "factor 1"),
        (('region = "CN"', 'region = "Europe"'), FieldInvalid, "factor 1"),
        (("data_year = 2021", "data_year = 2022"), FieldInvalid, "factor 1"),
        (
            ("published_on = 2021-12-31", "valid_until = 2025-12-31\npublished_on = 2021-12-31"),
            FieldInvalid,
            "factor 1",
        ),
        (('id = "food-saved-clearplate-2021"\n', ""), FieldMissing, "factor 1"),
        (('key = "food_production"', 'keys = "food_production"'), FieldMissing, "factor 2"),
        (
            ('id = "food-production-caas-2023"', 'id = "food-saved-clearplate-2021"'),
            ValidityOverlaps,
            "factor food-saved-clearplate-2021",
        ),
        (
            ('status = "D"', 'status = "D"\nstatus = "V1"'),
            FieldInvalid,
            "food_2026.toml",
        ),
    ],
)
def test_a_refusal_names_file_row_and_what_to_do(change, kind, where) -> None:
    first = faults_of(with_factors("food_2026.toml", change))[0]
    assert type(first) is kind
    assert where in first.where
    assert str(first) == f"{first.where}: {first.what}. {first.do}."
    assert len(first.do.split()) > 1


@pytest.mark.parametrize(
    ("changes", "kinds"),
    [
        (
            [('title_zh = "自带杯"\n', ""), ('period = "day"', 'period = "week"')],
            [FieldMissing, FieldInvalid],
        ),
        (
            [('quantity = "items"\nbaseline', 'quantity = "meals"\nbaseline')],
            [FieldInvalid, UnitsDoNotCancel],
        ),
        (
            [
                ("review_due = 2031-12-31", "review_due = 2033-12-31"),
                ("late_window_hours = 168", "late_window_hours = 9999"),
            ],
            [FieldInvalid, FieldInvalid],
        ),
        ([('baseline = ["own_cup"]', 'baseline = ["own_mug"]')], [ValidityGap]),
        ([('combine = "sum"', 'combine = "sum"\nexlusion = "trip"')], [FieldUnknown]),
        ([("[narrative]", "[story]")], [FieldMissing, FieldUnknown]),
        ([("grams = 20", "grams = 21")], [FieldInvalid]),
        ([("items = 1", "meals = 1")], [FieldInvalid]),
        ([('title_zh = "自带杯"', "title_zh = 12:00:00")], [FieldInvalid]),
        ([("valid_from = 2027-01-01", "valid_from = 9999-12-31")], [FieldInvalid]),
    ],
)
def test_check_finds_every_fault_of_a_methodology(tmp_path, changes, kinds) -> None:
    text = CUP
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    path = tmp_path / "cup.toml"
    path.write_text(text, "utf-8")
    found = check(path)
    assert [type(each) for each in found] == kinds
    assert all(each.do for each in found)


def test_check_finds_nothing_wrong_with_the_packaged_files(tmp_path) -> None:
    for name, text in METHODOLOGIES.items():
        if "[draft]" in text:
            (tmp_path / name).write_text(text, "utf-8")
    assert check(tmp_path) == ()


def test_check_reads_factor_files_and_those_beside(tmp_path) -> None:
    beside = tmp_path / "factors"
    beside.mkdir()
    (beside / "cups_2027.toml").write_text(
        FACTORS["second_wave_2026.toml"]
        .replace('own_cup"', 'own_mug"')
        .replace('id = "', 'id = "x-')
        .replace('key = "', 'key = "x_')
        .replace("x_own_mug", "own_mug"),
        "utf-8",
    )
    cup = tmp_path / "cup.toml"
    cup.write_text(
        CUP.replace('"own_cup"]', '"own_mug"]').replace("second_wave_2026", "cups_2027"), "utf-8"
    )
    assert [type(each) for each in check(cup)] == [FieldInvalid]
    assert check(cup, beside) == ()
    assert check(beside / "cups_2027.toml") == ()
    (beside / "cups_2027.toml").write_text('[[factor]]\nid = "bare"\n', "utf-8")
    assert len(check(beside / "cups_2027.toml")) > 10


def test_check_wants_a_successor_to_follow_the_version_in_force(tmp_path) -> None:
    path = tmp_path / "plate.toml"
    path.write_text(PLATE.replace("2026-01-01", "2027-01-01").replace("2030", "2031"), "utf-8")
    assert [type(each) for each in check(path)] == [ValidityOverlaps]
    path.write_text(
        PLATE.replace("2026-01-01", "2027-01-01").replace("2030", "2031").replace("1.0.0", "1.1.0"),
        "utf-8",
    )
    assert check(path) == ()


def test_an_example_is_wanted(tmp_path) -> None:
    path = tmp_path / "plate.toml"
    path.write_text(CUP[: CUP.index("[[example]]")], "utf-8")
    (found,) = check(path)
    assert found.what == "no [[example]]"


def test_diff_shows_every_field_that_differs_and_no_other(tmp_path) -> None:
    path = tmp_path / "plate.toml"
    path.write_text(
        PLATE.replace("1.0.0", "1.1.0")
        .replace("most = 3", "most = 2")
        .replace("2026-01-01", "2027-01-01"),
        "utf-8",
    )
    old, new = CATALOGUE.version_on("TPH-FOOD-01", date(2026, 3, 1)), read_proposal(path)
    assert diff(old, old) == ()
    assert diff(old, new) == (
        ("cap(meals).most", 3, 2),
        ("valid_from", "2026-01-01", "2027-01-01"),
        ("version", "1.0.0", "1.1.0"),
    )


def test_diff_shows_factors_that_came_and_went() -> None:
    grid = FACTORS["electricity_2023.toml"]
    less = METHODOLOGIES["TPH-HOME-01_v1.0.0.toml"].replace('"electricity_2022", ', "")
    (new,) = read_catalogue({"home.toml": less}, FACTORS)
    (old,) = CATALOGUE.versions_of("TPH-HOME-01")
    changes = diff(old, new)
    assert ("factor(grid-2022-330000).value", "0.5153", None) in changes
    assert {each.path.partition(")")[0] for each in changes if each.path.startswith("factor(")} == {
        f"factor(grid-2022-{line.split(chr(34))[1]}"
        for line in grid.splitlines()
        if line.startswith("region =")
    }


def test_a_draft_is_refused_with_its_reason_and_rehearsed_under_the_same_hash() -> None:
    drafts = {each.methodology_id for each in CATALOGUE.drafts}
    assert drafts == {
        "TPH-FOOD-02", "TPH-HOME-02", "TPH-HOME-03", "TPH-MOB-07",
        "TPH-PACK-02", "TPH-PACK-03", "TPH-REUSE-01",
    }  # fmt: skip
    assert drafts.isdisjoint(CATALOGUE.actions.values())
    for name in ("own_cup", "TPH-PACK-02"):
        with pytest.raises(NotCreditable, match="half of one weakly sourced report"):
            calculate(name, {"items": 1}, on=date(2027, 3, 1))
    with pytest.raises(NotCreditable):
        CATALOGUE.versions_of("TPH-PACK-02")
    rehearsal = CATALOGUE.rehearsing(*CATALOGUE.drafts)
    assert {each.hash for each in CATALOGUE.drafts} <= {each.hash for each in rehearsal}
    published = CUP[: CUP.index("[draft]")] + CUP[CUP.index("[multiplier]") :]
    (version,) = read_catalogue({"cup.toml": published}, FACTORS)
    assert version.hash == rehearsal.versions_of("TPH-PACK-02")[0].hash


def test_a_rehearsal_ends_the_version_in_force_on_the_day_before() -> None:
    later = PLATE.replace("1.0.0", "1.1.0").replace("2026-01-01", "2026-07-01")
    (new,) = read_catalogue({"plate.toml": later}, FACTORS)
    rehearsal = CATALOGUE.rehearsing(new)
    found = [rehearsal.version_on("TPH-FOOD-01", date(2026, month, 30)).version for month in (6, 7)]
    assert found == ["1.0.0", "1.1.0"]
    assert CATALOGUE.version_on("TPH-FOOD-01", date(2026, 7, 30)).version == "1.0.0"
    with pytest.raises(ValidityOverlaps):
        CATALOGUE.rehearsing(
            read_catalogue({"p.toml": later.replace("1.1.0", "0.9.0")}, FACTORS).versions_of(
                "TPH-FOOD-01"
            )[0]
        )


def test_a_project_credits_no_person() -> None:
    project = PLATE.replace('kind = "scene"', 'kind = "project"')
    catalogue = read_catalogue({"plate.toml": project}, FACTORS)
    with pytest.raises(ProjectNotPersonal):
        calculate("clean_plate", {"meals": 1}, on=date(2026, 3, 1), catalogue=catalogue)


def test_an_action_has_one_methodology_drafts_included() -> None:
    twice = {**METHODOLOGIES, "cup.toml": CUP.replace('"own_cup"\n', '"clean_plate"\n')}
    with pytest.raises(CatalogueBroken, match="action clean_plate"):
        read_catalogue(twice, FACTORS)
    with pytest.raises(UnknownMethodology):
        CATALOGUE.methodology_of("TPH-PACK-99")


def test_a_published_version_never_stands_on_memory_alone() -> None:
    rumour = FACTORS["food_2026.toml"].replace('status = "D"', 'status = "M"')
    faults = faults_of({**FACTORS, "food_2026.toml": rumour})
    assert [each.where for each in faults] == ["TPH-FOOD-01_v1.0.0.toml"]


def test_the_swap_of_two_years_that_a_public_repository_has_is_refused() -> None:
    # Values of 2022 under the data year 2021, and the other way round; all else is in order.
    texts = {year: FACTORS[f"electricity_{year}.toml"] for year in (2021, 2022)}
    values = {
        year: iter([line for line in texts[year].splitlines() if line.startswith("value")])
        for year in texts
    }
    swapped = {
        f"electricity_{year}.toml": "\n".join(
            next(values[4043 - year]) if line.startswith("value") else line
            for line in texts[year].splitlines()
        )
        for year in texts
    }
    faults = faults_of({**FACTORS, **swapped})
    assert [type(each) for each in faults] == [YearsSwapped, YearsSwapped]
    assert faults[0].where == "grid_electricity of mee-provincial, data year 2021"
    assert faults[0].what == "130000 is 0.7252 (that is 2022), on record is 0.7901"
    assert faults[1].what == "130000 is 0.7901 (that is 2021), on record is 0.7252"


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        # 420000 is no anchor: the checksum sees it
        ('"0.4044"', '"0.4040"', "30 rows differ from the checksum on record"),
        ('"0.6516"', '"0.6517"', "130000 is 0.6517, on record is 0.6516"),
    ],
)
def test_one_wrong_figure_of_a_column_is_refused(old, new, what) -> None:
    (fault,) = faults_of(with_factors("electricity_2023.toml", (old, new)))
    assert (type(fault), fault.what) == (YearsSwapped, what)


def test_every_column_of_the_grid_is_on_record() -> None:
    rows = [row for rows in read_factor_sets(FACTORS).values() for row in rows]
    for column in columns_on_record():
        name = (column.key, column.series, column.data_year)
        values = {
            row.region: row.value for row in rows if (row.key, row.series, row.data_year) == name
        }
        assert checksum(values) == column.sha256
        assert column.anchors.items() <= values.items()
    assert len(columns_on_record()) == 9


def test_rows_of_one_series_leave_no_gap() -> None:
    name = "nature_2026.toml"
    row = FACTORS[name][FACTORS[name].index('[[factor]]\nid = "tree') :].split("\n\n")[0]
    earlier = row.replace("gwp_set =", "valid_until = 2026-06-30\ngwp_set =")
    for begins, kind in (("2026-06-30", ValidityOverlaps), ("2026-07-02", ValidityGap)):
        later = row.replace("gwp_set =", f"valid_from = {begins}\ngwp_set =").replace(
            'id = "tree', 'id = "later-tree'
        )
        text = FACTORS[name].replace(row, f"{earlier}\n\n{later}")
        (fault,) = faults_of({**FACTORS, name: text})
        assert (type(fault), fault.where) == (kind, "factor later-tree-year-ant-forest-2017")

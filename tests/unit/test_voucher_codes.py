from hypothesis import given, strategies as st

from backend.rewards.codes import (
    DIGITS_PATTERN,
    STEP_S,
    are_digits_good,
    in_groups,
    make_code,
    make_digits,
    member_pass,
    plain_code,
    step_of,
)

SECRET = bytes(range(32))
GOOD = st.builds(make_digits)


@given(GOOD, st.integers(0, 11), st.integers(1, 9))
def test_one_wrong_digit_is_always_found(digits, place, shift):
    wrong = str((int(digits[place]) + shift) % 10)
    assert are_digits_good(digits)
    assert not are_digits_good(digits[:place] + wrong + digits[place + 1 :])


@given(GOOD, st.integers(0, 10))
def test_two_neighbours_that_changed_places_are_always_found(digits, place):
    swapped = digits[:place] + digits[place + 1] + digits[place] + digits[place + 2 :]
    assert are_digits_good(swapped) == (swapped == digits)


def test_damms_own_example():
    assert are_digits_good("5724")  # dissertation, p. 111: 572 has the check digit 4


def test_digits_are_read_in_groups_and_typed_as_people_type():
    digits = make_digits()
    assert DIGITS_PATTERN.fullmatch(digits)
    assert in_groups("123456789012") == "1234 5678 9012"
    assert plain_code(f" {in_groups(digits)} ") == digits
    assert plain_code("1234-5678-9012") == "123456789012"
    code = make_code()
    assert plain_code(code.lower()) == code


def test_codes_do_not_repeat():
    assert len({make_code() for _ in range(1_000)}) == 1_000


def test_a_pass_is_the_one_of_rfc_6238():
    # Appendix B, SHA-256, time 59: 46119246, with the seed of 32 bytes.
    assert member_pass(b"12345678901234567890123456789012", 59 // STEP_S) == "46119246"


@given(st.floats(1e9, 2e9), st.integers(-3, 3))
def test_a_pass_is_good_for_its_step_and_one_on_either_side(now_s, off):
    step = int(now_s) // STEP_S + off
    found = step_of(SECRET, member_pass(SECRET, step), now_s=now_s)
    assert found == (step if abs(off) <= 1 else None)

import pytest

from backend.sealing import SealBroken, make_sealer

CLAIM_SECRET, KEY, OLD_KEY = b"\x07" * 32, "ab" * 32, "cd" * 32


def test_what_was_sealed_opens_in_its_place_only():
    sealer = make_sealer(KEY, CLAIM_SECRET)
    sealed = sealer.seal(b"secret", place="row/1")
    assert sealer.unseal(sealed, place="row/1") == b"secret"
    with pytest.raises(SealBroken):
        sealer.unseal(sealed, place="row/2")


def test_equal_secrets_do_not_look_equal():
    sealer = make_sealer(KEY, CLAIM_SECRET)
    first, second = sealer.seal(b"secret", place="row"), sealer.seal(b"secret", place="row")
    assert first != second
    assert b"secret" not in first


@pytest.mark.parametrize("changed", [0, 5, 20, -1])
def test_a_changed_byte_is_noticed(changed):
    sealer = make_sealer(KEY, CLAIM_SECRET)
    sealed = bytearray(sealer.seal(b"secret", place="row"))
    sealed[changed] ^= 1
    with pytest.raises(SealBroken):
        sealer.unseal(bytes(sealed), place="row")


def test_a_new_key_seals_and_the_old_ones_still_open():
    sealed = make_sealer(OLD_KEY, CLAIM_SECRET).seal(b"secret", place="row")
    assert make_sealer(f"{KEY}, {OLD_KEY}", CLAIM_SECRET).unseal(sealed, place="row") == b"secret"
    with pytest.raises(SealBroken):
        make_sealer(KEY, CLAIM_SECRET).unseal(sealed, place="row")


def test_what_was_sealed_before_a_key_was_set_opens_afterwards():
    sealed = make_sealer("", CLAIM_SECRET).seal(b"secret", place="row")
    assert make_sealer(KEY, CLAIM_SECRET).unseal(sealed, place="row") == b"secret"
    with pytest.raises(SealBroken):
        make_sealer("", b"\x08" * 32).unseal(sealed, place="row")


@pytest.mark.parametrize("keys", ["x", "ab", "ab" * 31, "ab" * 33, f"{KEY},zz"])
def test_a_key_of_another_form_stops_the_start(keys):
    with pytest.raises(SystemExit, match="TANHUI_SECRETS_KEY"):
        make_sealer(keys, CLAIM_SECRET)

from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relevo.auth.domain.access_token import CLOCK_LEEWAY_SECONDS, TOKEN_LIFETIME_SECONDS
from relevo.auth.domain.key_rotation import (
    PUBLISHED_BEFORE_SIGNING,
    KeyTimes,
    next_key_times,
    published_keys_at,
    signing_key_at,
)
from relevo.auth.exceptions import WrappingKeyError
from relevo.auth.operations.context import Issuer
from relevo.auth.operations.signing_keys import current_key, rotate_keys
from relevo.auth.storage.wrapping_key import FILE_NAME
from relevo.servicekit import jose
from relevo.servicekit.database import Database
from tests.auth.builders import START, World


@given(st.lists(st.integers(0, 400), max_size=8), st.integers(0, 800))
def test_a_token_verifies_for_its_whole_life_whenever_keys_were_rotated(
    pauses: list[int], asked_after: int
) -> None:
    now, keys = START, [next_key_times("0", [], START)]
    for number, pause in enumerate(pauses, start=1):
        now += timedelta(seconds=pause)
        keys.append(next_key_times(str(number), keys, now))
    issued_at = START + timedelta(seconds=asked_after)
    known = [key for key in keys if key.published_at <= issued_at]
    signer = signing_key_at(known, issued_at)
    assert signer is not None
    assert signer.kid == "0" or signer.signs_from - signer.published_at == PUBLISHED_BEFORE_SIGNING
    for age in (0, 1, TOKEN_LIFETIME_SECONDS, TOKEN_LIFETIME_SECONDS + CLOCK_LEEWAY_SECONDS):
        later = issued_at + timedelta(seconds=age)
        assert signer in published_keys_at(keys, later)


@given(st.lists(st.integers(0, 400), min_size=1, max_size=8))
def test_once_all_has_settled_one_key_is_left(pauses: list[int]) -> None:
    now, keys = START, [next_key_times("0", [], START)]
    for number, pause in enumerate(pauses, start=1):
        now += timedelta(seconds=pause)
        keys.append(next_key_times(str(number), keys, now))
    settled = now + timedelta(hours=1)
    assert published_keys_at(keys, settled) == [signing_key_at(keys, settled)]


@given(st.lists(st.integers(0, 400), max_size=5), st.integers(0, 400))
def test_after_a_rotation_at_once_no_older_key_is_trusted(pauses: list[int], pause: int) -> None:
    now, keys = START, [next_key_times("0", [], START)]
    for number, wait in enumerate(pauses, start=1):
        now += timedelta(seconds=wait)
        keys.append(next_key_times(str(number), keys, now))
    now += timedelta(seconds=pause)
    keys = [KeyTimes(key.kid, key.published_at, key.signs_from, now) for key in keys]
    new = next_key_times("new", keys, now, at_once=True)
    assert published_keys_at([*keys, new], now) == [new]
    assert signing_key_at([*keys, new], now) == new


@pytest.mark.asyncio
async def test_a_new_key_is_published_before_it_signs_and_the_old_one_until_its_tokens_ended(
    world: World,
) -> None:
    old_token = await world.token()
    old = jose.peek(old_token)[0]["kid"]
    new = rotate_keys(world.issuer).kid
    assert list(await world.keys()) == [new, old]
    assert jose.peek(await world.token())[0]["kid"] == old
    world.clock.advance(timedelta(seconds=119))
    last_of_old = await world.token()
    assert jose.peek(last_of_old)[0]["kid"] == old
    world.clock.advance(timedelta(seconds=1))
    assert jose.peek(await world.token())[0]["kid"] == new
    world.clock.advance(timedelta(seconds=TOKEN_LIFETIME_SECONDS + CLOCK_LEEWAY_SECONDS))
    jose.verify(last_of_old, await world.keys(), typ="at+jwt")
    world.clock.advance(timedelta(seconds=30))
    assert list(await world.keys()) == [new]


@pytest.mark.asyncio
async def test_a_copied_key_is_dropped_at_once(world: World) -> None:
    token = await world.token()
    new = rotate_keys(world.issuer, at_once=True).kid
    assert list(await world.keys()) == [new]
    with pytest.raises(jose.BadSignatureError):
        jose.verify(token, await world.keys(), typ="at+jwt")
    assert jose.peek(await world.token())[0]["kid"] == new


@pytest.mark.asyncio
async def test_another_process_sees_a_rotation_without_restart(world: World) -> None:
    await world.token()
    other = Database(world.database_url)
    try:
        new = rotate_keys(Issuer(world.settings, other, world.clock)).kid
    finally:
        other.close()
    world.clock.advance(PUBLISHED_BEFORE_SIGNING)
    assert jose.peek(await world.token())[0]["kid"] == new


@pytest.mark.asyncio
async def test_keys_published_hold_no_private_part(world: World) -> None:
    answer = await world.get("/oauth/jwks")
    (key,) = answer.json()["keys"]
    assert set(key) == {"kty", "crv", "x", "kid", "use", "alg"}
    assert key["alg"] == "Ed25519"


def test_the_wrapping_key_is_for_its_owner_alone(world: World) -> None:
    world.database.write_now(current_key, world.issuer)
    path = world.settings.key_directory / FILE_NAME
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert [file.name for file in path.parent.iterdir()] == [FILE_NAME]


def another_process(world: World, key_directory: Path) -> Issuer:
    settings = world.settings.model_copy(update={"key_directory": key_directory})
    return Issuer(settings, world.database, world.clock)


def test_without_its_wrapping_key_an_issuer_says_what_to_do(world: World, tmp_path: Path) -> None:
    world.database.write_now(current_key, world.issuer)
    stranger = another_process(world, tmp_path / "elsewhere")
    with pytest.raises(WrappingKeyError, match="is missing"):
        world.database.write_now(current_key, stranger)
    with pytest.raises(WrappingKeyError, match="is missing"):
        rotate_keys(stranger)
    # Whoever lost the file for good begins anew.
    new = rotate_keys(stranger, at_once=True).kid
    assert world.database.write_now(current_key, stranger).kid == new


def test_a_wrapping_key_that_is_damaged_open_or_another_is_refused(
    world: World, tmp_path: Path
) -> None:
    world.database.write_now(current_key, world.issuer)
    path = world.settings.key_directory / FILE_NAME
    folder = tmp_path / "copy"
    folder.mkdir()
    copy = folder / FILE_NAME
    for content, mode, message in (
        (path.read_bytes(), 0o644, "chmod 600"),
        (b"short", 0o600, "damaged"),
        (b"A" * 43 + b"=\n", 0o600, "not the one"),
    ):
        copy.write_bytes(content)
        copy.chmod(mode)
        with pytest.raises(WrappingKeyError, match=message):
            world.database.write_now(current_key, another_process(world, folder))

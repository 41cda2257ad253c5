import asyncio
from datetime import timedelta
from typing import Any

import pytest

from relevo.contracts.problem import ProblemError
from relevo.contracts.scopes import Scope
from relevo.servicekit import dpop, issuer_statements, jose
from relevo.servicekit.access_token import Caller, TokenVerifier
from relevo.servicekit.clock import FixedClock
from tests.support.issuer import AUDIENCE, ISSUER, Issuer

HOLDER = jose.generate_signing_key()
URL = AUDIENCE + "/v1/referrals"


@pytest.fixture
def issuer(monkeypatch: pytest.MonkeyPatch) -> Issuer:
    # Time stands still in these tests, so a pause counted in real seconds would never end.
    monkeypatch.setattr(issuer_statements, "RETRY_SECONDS", 0)
    return Issuer(FixedClock())


def a_verifier(issuer: Issuer) -> TokenVerifier:
    return TokenVerifier(issuer=ISSUER, audience=AUDIENCE, fetch=issuer.fetch, clock=issuer.clock)


async def present(
    verifier: TokenVerifier, token: str, *proofs: str, scheme: str = "Bearer", url: str = URL
) -> Caller:
    return await verifier.verify(f"{scheme} {token}", list(proofs), "POST", url)


async def refused(verifier: TokenVerifier, token: str, *proofs: str, **how: Any) -> str:
    with pytest.raises(ProblemError) as refusal:
        await present(verifier, token, *proofs, **how)
    return refusal.value.name


@pytest.mark.asyncio
async def test_a_token_says_who_calls_and_for_whom(issuer: Issuer) -> None:
    verifier = a_verifier(issuer)
    token = issuer.token(
        unit="mx.albergue-tapachula.legal",
        purpose="protection",
        scope="referrals:submit later:scope",
    )
    caller = await present(verifier, token)
    assert caller == Caller(
        client_id="case-system",
        institution="mx.albergue-tapachula",
        unit="mx.albergue-tapachula.legal",
        mandates=frozenset({"reception"}),
        purpose="protection",
        scopes=frozenset({Scope.REFERRALS_SUBMIT}),
    )
    assert caller.party == "mx.albergue-tapachula.legal"
    assert (await present(verifier, issuer.token())).party == "mx.albergue-tapachula"


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://other.example"},
        {"iss": None},
        {"aud": "https://other.example"},
        {"aud": [AUDIENCE, "https://other.example"]},
        {"aud": None},
        {"aud": AUDIENCE + "/v1"},
        {"exp": None},
        {"exp": "2099-01-01"},
        {"exp": True},
        {"exp": 1},
        {"iat": None},
        {"iat": 99_999_999_999},
        {"nbf": 99_999_999_999},
        {"jti": None},
        {"sub": None},
        {"client_id": None},
        {"client_id": ["case-system"]},
        {"institution": None},
        {"mandates": "reception"},
        {"mandates": [1]},
        {"scope": ["referrals:submit"]},
        {"unit": 7},
        {"cnf": "x"},
        {"cnf": {"x5t#S256": "x"}},
        {"typ": "JWT"},
        {"typ": "dpop+jwt"},
    ],
)
@pytest.mark.asyncio
async def test_a_token_with_a_wrong_claim_is_refused(
    issuer: Issuer, changes: dict[str, Any]
) -> None:
    assert await refused(a_verifier(issuer), issuer.token(**changes)) == "invalid_token"


@pytest.mark.asyncio
async def test_an_audience_in_a_list_of_one_is_one_audience(issuer: Issuer) -> None:
    assert await present(a_verifier(issuer), issuer.token(aud=[AUDIENCE]))


@pytest.mark.asyncio
async def test_a_token_of_a_key_that_the_issuer_does_not_publish_is_refused(
    issuer: Issuer,
) -> None:
    stranger = jose.generate_signing_key()
    verifier = a_verifier(issuer)
    assert await refused(verifier, issuer.token(key=stranger)) == "invalid_token"
    disguised = jose.generate_signing_key(kid=jose.key_id(issuer.key))
    assert await refused(verifier, issuer.token(key=disguised)) == "invalid_token"


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        "Basic YTpi",
        "Bearer a b",
        "Bearer x.y.z",
        "Bearer é.é.é",
        "Bearer " + "x" * 20_000,
        "Bearer eyJhbGciOiJub25lIn0.e30.",
    ],
)
@pytest.mark.asyncio
async def test_without_a_token_nobody_is_let_in(issuer: Issuer, authorization: str | None) -> None:
    with pytest.raises(ProblemError) as refusal:
        await a_verifier(issuer).verify(authorization, [], "POST", URL)
    assert refusal.value.name == "invalid_token"


@pytest.mark.asyncio
async def test_a_token_expires_thirty_seconds_late_and_no_later(issuer: Issuer) -> None:
    verifier = a_verifier(issuer)
    token = issuer.token()
    await present(verifier, token)
    issuer.clock.advance(timedelta(seconds=328))
    assert await present(verifier, token)
    assert await present(a_verifier(issuer), token)
    issuer.clock.advance(timedelta(seconds=3))
    assert await refused(verifier, token) == "invalid_token"
    assert await refused(a_verifier(issuer), token) == "invalid_token"


@pytest.mark.asyncio
async def test_a_revoked_token_and_a_suspended_client_are_refused_within_a_minute(
    issuer: Issuer,
) -> None:
    verifier = a_verifier(issuer)
    revoked, other = issuer.token(jti="r-1"), issuer.token(client_id="other")
    await present(verifier, revoked)
    await present(verifier, other)
    issuer.revoked.append("r-1")
    issuer.suspended.append("other")
    issuer.clock.advance(timedelta(seconds=45))
    assert await refused(verifier, revoked) == "invalid_token"
    assert await refused(verifier, other) == "invalid_token"
    assert await present(verifier, issuer.token())


@pytest.mark.asyncio
async def test_a_list_is_fetched_once_for_many_and_again_after_fifteen_seconds(
    issuer: Issuer,
) -> None:
    verifier = a_verifier(issuer)
    await asyncio.gather(*(present(verifier, issuer.token()) for _ in range(20)))
    assert len(issuer.fetched) == 2
    issuer.clock.advance(timedelta(seconds=14))
    await present(verifier, issuer.token())
    assert len(issuer.fetched) == 2
    issuer.clock.advance(timedelta(seconds=3))
    await present(verifier, issuer.token())
    await asyncio.sleep(0.01)
    assert len(issuer.fetched) == 4


@pytest.mark.asyncio
async def test_with_an_old_list_nobody_is_let_in(issuer: Issuer) -> None:
    verifier = a_verifier(issuer)
    token = issuer.token()
    await present(verifier, token)
    issuer.down = True
    issuer.clock.advance(timedelta(seconds=58))
    assert await present(verifier, token)
    issuer.clock.advance(timedelta(seconds=4))
    assert await refused(verifier, token) == "unavailable"
    issuer.down = False
    assert await present(verifier, token)


@pytest.mark.asyncio
async def test_an_issuer_that_never_answered_lets_nobody_in(issuer: Issuer) -> None:
    issuer.down = True
    assert await refused(a_verifier(issuer), issuer.token()) == "unavailable"


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://other.example"},
        {"iat": 1},
        {"iat": "now"},
        {"iat": 99_999_999_999},
        {"revoked_jtis": "x"},
        {"suspended_clients": [1]},
        {"resumed_clients": ["cases"]},
        {"resumed_clients": {"cases": "now"}},
    ],
)
@pytest.mark.asyncio
async def test_a_list_that_is_stale_or_malformed_counts_as_none(
    issuer: Issuer, claims: dict[str, Any]
) -> None:
    issuer.statement_claims = claims
    assert await refused(a_verifier(issuer), issuer.token()) == "unavailable"


@pytest.mark.asyncio
async def test_an_older_list_never_replaces_a_newer_one(issuer: Issuer) -> None:
    verifier = a_verifier(issuer)
    token = issuer.token(jti="r-1")
    issuer.revoked.append("r-1")
    assert await refused(verifier, token) == "invalid_token"
    issuer.revoked.clear()
    issuer.statement_claims = {"iat": int(issuer.clock.now.timestamp()) - 20}
    issuer.clock.advance(timedelta(seconds=31))
    assert await refused(verifier, token) == "invalid_token"


@pytest.mark.asyncio
async def test_a_new_key_is_learned_when_its_first_token_comes(issuer: Issuer) -> None:
    verifier = a_verifier(issuer)
    old = issuer.token()
    await present(verifier, old)
    fresh = jose.generate_signing_key()
    issuer.keys.append(fresh)
    assert await present(verifier, issuer.token(key=fresh))
    assert await present(verifier, old)
    issuer.keys, issuer.key = [fresh], fresh
    issuer.clock.advance(timedelta(seconds=31))
    assert await refused(verifier, old) == "invalid_token"


@pytest.mark.asyncio
async def test_made_up_keys_do_not_hammer_the_issuer(
    issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(issuer_statements, "RETRY_SECONDS", 60)
    verifier = a_verifier(issuer)
    await present(verifier, issuer.token())
    for _ in range(20):
        await refused(verifier, issuer.token(key=jose.generate_signing_key()))
    assert len(issuer.fetched) == 2


def a_proof(issuer: Issuer, token: str, **changes: Any) -> str:
    return dpop.make_proof(
        changes.get("key", HOLDER),
        changes.get("method", "POST"),
        changes.get("url", URL),
        now=issuer.clock.now,
        access_token=changes.get("names", token),
    )


@pytest.mark.asyncio
async def test_a_bound_token_needs_its_holders_proof(issuer: Issuer) -> None:
    verifier = a_verifier(issuer)
    token = issuer.token(bound_to=HOLDER)
    proof = a_proof(issuer, token)
    assert await present(verifier, token, proof, scheme="DPoP")
    for proofs, how in [
        ((proof,), {"scheme": "DPoP"}),  # used before
        ((), {"scheme": "DPoP"}),
        ((), {"scheme": "Bearer"}),
        ((a_proof(issuer, token),), {"scheme": "Bearer"}),
        ((a_proof(issuer, token, key=jose.generate_signing_key()),), {"scheme": "DPoP"}),
        ((a_proof(issuer, token, names="another"),), {"scheme": "DPoP"}),
        ((a_proof(issuer, token, method="GET"),), {"scheme": "DPoP"}),
        ((a_proof(issuer, token, url=URL + "/x"),), {"scheme": "DPoP"}),
        ((a_proof(issuer, token), a_proof(issuer, token)), {"scheme": "DPoP"}),
    ]:
        assert await refused(verifier, token, *proofs, **how) == "invalid_dpop_proof"


@pytest.mark.asyncio
async def test_a_stale_proof_is_refused_with_the_servers_time(issuer: Issuer) -> None:
    verifier = a_verifier(issuer)
    token = issuer.token(bound_to=HOLDER)
    proof = a_proof(issuer, token)
    issuer.clock.advance(timedelta(seconds=62))
    with pytest.raises(ProblemError) as refusal:
        await present(verifier, token, proof, scheme="DPoP")
    now = issuer.clock.now.strftime("%Y-%m-%dT%H:%M:%SZ")
    assert refusal.value.members == {"server_time": now}


@pytest.mark.asyncio
async def test_a_bearer_token_is_not_presented_as_bound(issuer: Issuer) -> None:
    token = issuer.token()
    proof = a_proof(issuer, token)
    assert await refused(a_verifier(issuer), token, proof, scheme="DPoP") == "invalid_dpop_proof"


@pytest.mark.asyncio
async def test_remembered_tokens_stay_bounded(
    issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("relevo.servicekit.access_token.MAX_CACHED", 5)
    verifier = a_verifier(issuer)
    for _ in range(12):
        await present(verifier, issuer.token())
    assert len(verifier._accepted) <= 5

"""A node with consents, referrals in both directions and a webhook."""

import asyncio
import contextlib
import json
import uuid
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from typing_extensions import override

from relevo.contracts.country_tables import Coordination
from relevo.contracts.follow_up import FollowUpHolder
from relevo.contracts.institution import DirectoryPage
from relevo.contracts.scopes import Scope
from relevo.contracts.service import RevalidationList, ServicePage, ServiceView, ServiceViews
from relevo.contracts.status import Status
from relevo.node.api import (
    attestation_examples,
    break_glass,
    examples,
    follow_ups,
    notices,
    returnee_examples,
    reviews,
    withdrawals,
)
from relevo.node.operations.paper_withdrawals import take_requests_once
from relevo.servicekit import jose, service_examples, statistics_examples
from relevo.servicekit.clock import FixedClock
from relevo.servicekit.database import Database
from tests.openapi.snapshot import Snapshot
from tests.openapi.targets import Target, bearer
from tests.support.blobs import a_picture, uploaded
from tests.support.institutions import CONSULATE, GATEWAY, INSTITUTE, RECEPTION, START
from tests.support.node_requests import (
    COMPLETION,
    a_consent,
    a_key,
    a_person,
    a_submission,
    look,
    step,
)
from tests.support.nodes import ALL_SCOPES, GatewayOfTest, Member, Network, a_member, pin_each_other
from tests.support.serving import HOST, served

# Sends as a shelter does and receives as an institute does, so that every operation has its use.
_HERE: Final = "mx.casa-del-migrante"
_NIGHT_SHIFT: Final = f"{_HERE}.noche"
_FOLLOWED_UP: Final[dict[str, Any]] = {
    "purposes": ["service_delivery", "follow_up"],
    "recipients": [
        {"party": _HERE},
        {"party": CONSULATE, "only": ["follow_up"], "requested_by_person": True},
    ],
}

_SERVICE: Final = ServiceView.model_validate_json(json.dumps(service_examples.VIEW))


class KnowingGateway(GatewayOfTest):
    """A gateway that knows every code and has a directory."""

    @override
    async def institutions(self, params: dict[str, str]) -> DirectoryPage:
        return DirectoryPage(institutions=[])

    @override
    async def follow_up_holder(self, query_jws: str) -> FollowUpHolder:
        _, claims = jose.peek(query_jws)
        return FollowUpHolder(reference_code=claims["reference_code"], holder=RECEPTION)

    @override
    async def coordination(self, pathway: str, period: str) -> Coordination:
        return Coordination.model_validate_json(json.dumps(statistics_examples.COORDINATION))

    @override
    async def find_services(self, params: dict[str, str]) -> ServicePage:
        return ServicePage.model_validate_json(json.dumps(service_examples.PAGE))

    @override
    async def services_of(self, institution: str, params: dict[str, str]) -> ServiceViews:
        return ServiceViews(services=[_SERVICE])

    @override
    async def service(self, institution: str, service_id: str) -> ServiceView:
        return _SERVICE

    @override
    async def services_to_confirm(self) -> RevalidationList:
        return RevalidationList.model_validate_json(json.dumps(service_examples.REVALIDATION))

    @override
    async def change_service(self, method: str, path: str, body: Any) -> ServiceView:
        return _SERVICE

    @override
    async def remove_service(self, institution: str, service_id: str) -> None:
        return None

    @override
    async def status(self, query_jws: str) -> Status:
        _, claims = jose.peek(query_jws)
        return Status(reference_code=claims["reference_code"], state="received", since=START)


@contextlib.contextmanager
def a_node(folder: Path) -> Iterator[Target]:
    with contextlib.ExitStack() as stack:
        network = Network(FixedClock(START))
        for institution in (_HERE, INSTITUTE, CONSULATE):
            database = Database(f"sqlite:///{folder / institution}.db")
            stack.callback(database.close)
            stack.enter_context(
                a_member(network, institution, folder, database, pinning="confirmed")
            )
        pin_each_other(network)
        here = network.members[_HERE]
        here.node.gateway = KnowingGateway(network, _HERE)
        local, gateway = here.token(ALL_SCOPES), here.token(Scope.MESSAGES_DELIVER, GATEWAY)
        night_shift = here.token(ALL_SCOPES, unit=_NIGHT_SHIFT)

        def token(path: str) -> str:
            if path.startswith("/v1/referrals/") and path.endswith("/break-glass"):
                return night_shift
            return gateway if path == "/v1/inbox" else local

        yield Target(
            service="node",
            url=f"http://{HOST}:{stack.enter_context(served(here.app))}",
            database=here.node.database,
            furnish=stack.enter_context(contextlib.closing(_Furnished(network, here))),
            credentials=lambda path, _, __: bearer(token(path)),
        )


class _Furnished:
    """The three nodes with what examples speak of: made once, and each time again as it was then."""

    def __init__(self, network: Network, here: Member) -> None:
        self._network = network
        self._here = here
        self._names: dict[str, str] = {}
        self._stored: Snapshot | None = None
        self._on_the_way: tuple[list[Any], ...] = ()

    def __call__(self) -> dict[str, str]:
        on_the_way = self._network.waiting, self._network.carried, self._network.papers
        if self._stored is None:
            self._names = asyncio.run(_furnish(self._network, self._here))
            self._on_the_way = tuple(list(messages) for messages in on_the_way)
            nodes = [member.node for member in self._network.members.values()]
            self._stored = Snapshot(
                [node.database for node in nodes] + [node.vault._database for node in nodes]
            )
            return self._names
        self._stored.restore()
        for messages, then in zip(on_the_way, self._on_the_way, strict=True):
            messages[:] = then
        for member in self._network.members.values():
            # Keys in memory that the databases no longer know.
            member.node.vault._fresh.clear()
            member.node.vault._open.clear()
            for other in self._network.members:
                member.directory.forget(other)
        return self._names

    def close(self) -> None:
        if self._stored is not None:
            self._stored.close()


async def _furnish(network: Network, here: Member) -> dict[str, str]:
    there = network.members[INSTITUTE]
    consent = await _post(here, "/v1/consents", examples.CONSENT)
    referral = {**examples.SUBMISSION, "consent_ids": [consent["id"]]}
    sent = await _post(here, "/v1/referrals", referral)
    consent_of_open = await _post(here, "/v1/consents", a_consent())
    submission = a_submission(consent_of_open["id"], share=["identity"])
    upload_id = await uploaded(here, a_picture())
    file = {"upload": upload_id, "person_id": "T-1", "document": "referral_sheet"}
    with_file = {**submission, "attachments": [{**file, "category": "identity"}]}
    waiting = await _post(here, "/v1/referrals", with_file)
    asking = await _post(here, "/v1/referrals", submission)
    family = [await _a_family(here, consent_of_open["id"]) for _ in range(2)]
    theirs = await _post(there, "/v1/consents", a_consent(**_FOLLOWED_UP))
    received = await _post(there, "/v1/referrals", a_submission(theirs["id"], receiver=_HERE))
    await network.settle()
    for taken in ({"to": "accepted"}, COMPLETION):
        assert (await step(there, sent["id"], **taken)).status_code == 200
    question = {"category": "contact", "person": 1, "text": "¿A qué número?"}
    asked = await step(there, asking["id"], to="info_requested", questions=[question])
    assert asked.status_code == 200, asked.text
    await network.settle()
    held = await _a_follow_up(network, here, received["reference_code"])
    window = {name: follow_ups.ASKED[name] for name in ("window_from", "window_until")}
    ours = await _post(here, "/v1/follow-ups", {**window, "reference_code": sent["reference_code"]})
    returnee = await _post(here, "/v1/returnees", returnee_examples.INPUT)
    other, merged = [await _post(here, "/v1/returnees", returnee_examples.INPUT) for _ in range(2)]
    into = returnee_examples.MERGE | {"into": other["id"]}
    await _post(here, f"/v1/returnees/{merged['id']}/merge", into, status=200)
    attested = {"type": "returnee_certificate", "returnee_id": returnee["id"]}
    attestation = await _post(here, "/v1/attestations", attested)
    onward = {"persons": [1], "reason": "safety_concern", "recorded_by": "A", "referral": referral}
    split = await _post(here, f"/v1/referrals/{family[1]}/split", onward)
    await _post(here, "/v1/notices", notices.VERSION, status=200)
    return {
        withdrawals.WITHDRAWN_REFERRAL_ID: await _withdrawn(network),
        withdrawals.WITHDRAWN_CONSENT_ID: await _withdrawn_here(here),
        withdrawals.REQUEST_ID: await _on_paper(network, here),
        examples.FAMILY_REFERRAL_ID: family[0],
        examples.SPLIT_ID: split["id"],
        returnee_examples.RETURNEE_ID: returnee["id"],
        returnee_examples.OTHER_ID: other["id"],
        returnee_examples.MERGED_ID: merged["id"],
        attestation_examples.ATTESTATION_ID: attestation["id"],
        returnee_examples.MANIFEST_ID: await _a_list(here),
        follow_ups.ASKED_ID: ours["id"],
        follow_ups.HELD_ID: held,
        examples.CONSENT_ID: consent["id"],
        examples.REFERRAL_ID: received["id"],
        examples.SENT_REFERRAL_ID: sent["id"],
        examples.OPEN_REFERRAL_ID: waiting["id"],
        examples.UPLOAD_ID: upload_id,
        examples.ATTACHMENT_ID: (await look(here, waiting["id"]))["attachments"][0]["id"],
        examples.ASKING_REFERRAL_ID: asking["id"],
        reviews.SEARCH_ID: await _a_search(network),
        break_glass.OTHER_UNITS_REFERRAL_ID: received["id"],
        break_glass.USE_ID: await _an_emergency(here, received["id"]),
        examples.REFERENCE_CODE: sent["reference_code"],
        examples.WEBHOOK_ID: await _a_webhook(here),
        "gt.igm.crr-tecun-uman": f"{_HERE}.recepcion",
    }


async def _a_family(here: Member, consent: str) -> str:
    """Two adults in one referral, each with a consent of her own."""
    other = await _post(here, "/v1/consents", a_consent(person_id="W-1"))
    persons = [a_person(), a_person(person_id="W-1")]
    body = a_submission(consent, persons=persons, share=["identity"])
    made = await _post(here, "/v1/referrals", body | {"consent_ids": [consent, other["id"]]})
    return str(made["id"])


async def _a_follow_up(network: Network, here: Member, code: str) -> str:
    """One that this node carries out: she was reached once, and a second attempt is open."""
    window = {"window_from": START, "window_until": START + timedelta(days=7)}
    asked = {name: moment.isoformat() for name, moment in window.items()}
    asker = network.members[CONSULATE]
    made = await _post(asker, "/v1/follow-ups", {**asked, "reference_code": code})
    await network.settle()
    path = f"/v1/follow-ups/{made['id']}"
    await _post(here, f"{path}/transitions", {"to": "accepted"}, status=200)
    first = await _post(here, f"{path}/attempts", {"modality": "call"})
    answered = {"outcome": "answered", "pass_phrase": a_consent()["contact_rules"]["pass_phrase"]}
    await _post(here, f"{path}/attempts/{first['seq']}/outcome", answered, status=200)
    second = await _post(here, f"{path}/attempts", {"modality": "call"})
    assert second["seq"] == 2
    return str(made["id"])


async def _a_search(network: Network) -> str:
    """One that came, on a pathway that is reviewed."""
    asker = network.members[CONSULATE]
    consent = {
        "purposes": ["tracing_of_missing"],
        "categories": ["identity", "family"],
        "recipients": [{"party": _HERE}],
    }
    told = await _post(asker, "/v1/consents", a_consent(**consent))
    search = a_submission(
        told["id"],
        receiver=_HERE,
        pathway="missing-migrant-search",
        purpose="tracing_of_missing",
        needs=[{"service": "missing_migrant_search"}],
        persons=[a_person(family={"summary": "La busca su madre."})],
        share=["identity", "family"],
    )
    made = await _post(asker, "/v1/referrals", search)
    await network.settle()
    return str(made["id"])


async def _withdrawn(network: Network) -> str:
    """A referral that came, and under which she then withdrew."""
    there = network.members[INSTITUTE]
    theirs = await _post(there, "/v1/consents", a_consent(**_FOLLOWED_UP))
    received = await _post(there, "/v1/referrals", a_submission(theirs["id"], receiver=_HERE))
    await network.settle()
    said = {"said_at": START.isoformat()}
    await _post(there, f"/v1/consents/{theirs['id']}/withdraw", said, status=200)
    await network.settle()
    return str(received["id"])


async def _withdrawn_here(here: Member) -> str:
    """A consent that she gave here, and took back."""
    consent = await _post(here, "/v1/consents", a_consent())
    said = {"said_at": START.isoformat()}
    await _post(here, f"/v1/consents/{consent['id']}/withdraw", said, status=200)
    return str(consent["id"])


async def _an_emergency(here: Member, referral: str) -> str:
    """The night shift opened it, not alone, and nobody has looked at that yet."""
    opening = {**break_glass.OPENING, "alone_on_shift": False, "reviewer": None}
    async with here.http(unit=_NIGHT_SHIFT) as http:
        path = f"/v1/referrals/{referral}/break-glass"
        answer = await http.post(path, json=opening, headers=a_key())
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def _on_paper(network: Network, here: Member) -> str:
    """Somebody with the paper asked to withdraw, and she never agreed on a phrase."""
    consent = await _post(here, "/v1/consents", a_consent(contact_rules={}))
    sent = await _post(here, "/v1/referrals", a_submission(consent["id"], share=["identity"]))
    await network.settle()
    asked = {"reference_code": sent["reference_code"], "pass_phrase": "quién sabe"}
    there = network.members[INSTITUTE]
    await _post(there, "/v1/withdrawal-requests", asked, status=200)
    assert await take_requests_once(here.node)
    async with here.http() as http:
        pending = (await http.get("/v1/withdrawal-requests")).json()["requests"]
    return str(next(one["id"] for one in pending if one["referral_id"] == sent["id"]))


async def _a_webhook(here: Member) -> str:
    async with here.http() as http:
        for old in (await http.get("/v1/webhooks")).json():
            await http.delete(f"/v1/webhooks/{old['id']}")
    made = await _post(here, "/v1/webhooks", {"url": "https://system.example/relevo"})
    return str(made["id"])


async def _a_list(here: Member) -> str:
    async with here.http() as http:
        answer = await http.post(
            "/v1/manifests",
            params={"reference": "GT-2026-03-02-AA123"},
            content=returnee_examples.CSV.encode(),
            headers={"content-type": "text/csv"},
        )
    assert answer.status_code == 200, answer.text
    return str(answer.json()["id"])


async def _post(
    member: Member, path: str, body: dict[str, Any], *, status: int = 201
) -> dict[str, Any]:
    async with member.http() as http:
        answer = await http.post(path, json=body, headers={"idempotency-key": str(uuid.uuid4())})
    assert answer.status_code == status, answer.text
    made: dict[str, Any] = answer.json()
    return made

"""`/v1/directory` and `/v1/pins`: who is on the network, and whose identity key a person confirmed."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query

from relevo.contracts.identifiers import Country, InstitutionId
from relevo.contracts.institution import DirectoryPage, Fingerprint
from relevo.contracts.model import ContractModel, Moment, ShortText
from relevo.contracts.scopes import Scope
from relevo.contracts.vocabularies.codes import Mandate
from relevo.node.operations import pins
from relevo.servicekit.access_token import Caller
from relevo.servicekit.openapi import answer, request_example
from relevo.servicekit.problems import problem_responses
from relevo.servicekit.require_scope import require

from . import examples
from .dependencies import DirectoryHere, NodeHere

router = APIRouter(prefix="/v1", tags=["directory"])


class PinView(ContractModel):
    """An identity key that this node trusts. `confirmed_by` is absent for one taken at first use."""

    institution: InstitutionId
    fingerprint: Fingerprint
    confirmed_by: str | None
    pinned_at: Moment


class PinInput(ContractModel):
    """A fingerprint that a person read out, and who confirmed it."""

    fingerprint: Fingerprint
    confirmed_by: ShortText


@router.get(
    "/directory",
    summary="List institutions",
    description="As the home gateway lists them, those of other countries included.",
    responses=answer(200, "A page.", {"institutions": [examples.LISTED]})
    | problem_responses("invalid_input", "not_yours", "gateway_unreachable"),
)
async def list_directory(
    node: NodeHere,
    caller: Annotated[Caller, require(Scope.DIRECTORY_READ)],
    country: Annotated[Country | None, Query(description="ISO 3166-1 alpha-2.")] = None,
    mandate: Annotated[Mandate | None, Query(description="Only those that hold it.")] = None,
    cursor: Annotated[
        str | None, Query(max_length=200, description="`next_cursor` of the page before.")
    ] = None,
) -> DirectoryPage:
    return await pins.list_institutions(
        node, caller, country=country, mandate=mandate, cursor=cursor
    )


@router.get(
    "/pins",
    summary="List trusted identity keys",
    description="Whose signatures this node believes, and which person compared the fingerprint.",
    responses=answer(200, "All of them.", [examples.PIN]) | problem_responses("not_yours"),
)
async def list_pins(
    node: NodeHere, caller: Annotated[Caller, require(Scope.DIRECTORY_READ)]
) -> list[PinView]:
    return [PinView(**_shown(pin)) for pin in await pins.list_pins(node, caller)]


@router.put(
    "/pins/{institution}",
    summary="Confirm an identity key",
    description="After the fingerprint was compared by telephone or in person, never by the network itself.",
    responses=answer(200, "Trusted from now on.", examples.PIN)
    | problem_responses("invalid_input", "not_yours"),
    openapi_extra=request_example(
        {name: examples.PIN[name] for name in ("fingerprint", "confirmed_by")}
    ),
)
async def put_pin(
    institution: Annotated[InstitutionId, Path(examples=[examples.PIN["institution"]])],
    body: PinInput,
    node: NodeHere,
    directory: DirectoryHere,
    caller: Annotated[Caller, require(Scope.DIRECTORY_WRITE)],
) -> PinView:
    pin = await pins.confirm(
        node, directory, caller, institution, body.fingerprint, body.confirmed_by
    )
    return PinView(**_shown(pin))


def _shown(pin: pins.Pin) -> dict[str, Any]:
    return {name: value for name, value in vars(pin).items() if name != "key_set_version"}

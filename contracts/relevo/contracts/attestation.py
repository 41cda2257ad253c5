"""What an institution attests to a person, and how little of it she has to show.

An attestation is a signed credential (SD-JWT VC over RFC 9901). Each claim is hidden behind a salted
digest; the holder chooses which are shown, anew each time it is printed. What always shows is who
signed, of which type it is, when, until when, and its number in the list of those that were revoked.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated, Any, Final, Literal

from pydantic import Field, StringConstraints, model_validator

from .identifiers import GatewayId, InstitutionId, PartyId, Uuid
from .model import ContractModel, Moment, ShortText, Whole
from .problem import FieldError, ProblemError
from .vocabularies.codes import AttestationType

ATTESTATION_TYP: Final = "dc+sd-jwt"
STATUS_LIST_TYP: Final = "statuslist+jwt"
STATUS_LIST_PATH: Final = "/v1/attestations/status-list"
NUMBERS: Final = 1 << 20
"""Numbers are drawn at random below this: neither how many there are nor their order can be read off one."""
MAX_PRESENTATION_CHARS: Final = 8192

_VCT: Final = "https://relevo.example/attestations/{}/1"

About = Literal["returnee", "referral", "consent"]
ClaimName = Annotated[str, StringConstraints(pattern=r"^[a-z_]{1,40}$")]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Day = Annotated[str, StringConstraints(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$")]

LABELS: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "institution_name": ("Institución", "Institution"),
        "name": ("Nombre", "Name"),
        "birth_date": ("Fecha de nacimiento", "Birth date"),
        "nationalities": ("Nacionalidad", "Nationality"),
        "identity_document": ("Documento de identidad", "Identity document"),
        "arrived_on": ("Fecha de ingreso", "Arrived on"),
        "point_of_entry": ("Lugar de ingreso", "Point of entry"),
        "reference_code": ("Clave de seguimiento", "Reference code"),
        "acknowledged_on": ("Fecha del acuse", "Acknowledged on"),
        "seen_by": ("Recibió", "Seen by"),
        "digest": ("Huella digital SHA-256", "SHA-256 digest"),
        "referred_by": ("Institución que deriva", "Referred by"),
        "referred_to": ("Institución que recibe", "Referred to"),
        "dated": ("Fecha del documento", "Dated"),
        "given_on": ("Fecha del consentimiento", "Consent given on"),
        "expires_on": ("Vigente hasta", "In force until"),
        "purposes": ("Para qué", "Purposes"),
        "categories": ("Qué datos", "Which data"),
        "recipients": ("A quién", "Recipients"),
        "notice": ("Aviso que se leyó", "Notice"),
    }
)
"""How each claim is called on paper: Spanish, English."""


@dataclass(frozen=True)
class Kind:
    """One type of attestation.

    Attributes:
        claims: All that it can say.
        least: What is shown unless the holder chooses otherwise: no name.
        of_document: It attests a document that the institution holds, by date and digest.
        tells_of_death: Not before the family was told in person.
    """

    about: About
    claims: tuple[str, ...]
    least: tuple[str, ...]
    of_document: bool = False
    tells_of_death: bool = False


_DOCUMENT_CLAIMS: Final = (
    "institution_name", "dated", "digest", "name", "birth_date", "referred_by", "referred_to",
)  # fmt: skip
_DOCUMENT: Final = Kind("referral", _DOCUMENT_CLAIMS, _DOCUMENT_CLAIMS[:3], of_document=True)
_OF_DEATH: Final = Kind(
    "referral", _DOCUMENT_CLAIMS, _DOCUMENT_CLAIMS[:3], of_document=True, tells_of_death=True
)

KINDS: Final[Mapping[str, Kind]] = MappingProxyType(
    {
        "returnee_certificate": Kind(
            "returnee",
            (
                "institution_name", "arrived_on", "name", "birth_date", "nationalities",
                "identity_document", "point_of_entry",
            ),
            ("institution_name", "arrived_on"),
        ),
        "acknowledgement": Kind(
            "referral",
            (
                "institution_name", "acknowledged_on", "digest", "seen_by", "reference_code", "name",
                "referred_by", "referred_to",
            ),
            ("institution_name", "acknowledged_on", "digest"),
        ),
        "consent_copy_for_person": Kind(
            "consent",
            (
                "institution_name", "given_on", "expires_on", "purposes", "categories", "recipients",
                "notice",
            ),
            ("institution_name", "given_on"),
        ),
        "referral_sheet": _DOCUMENT,
        "psychosocial_report": _DOCUMENT,
        "social_study": _DOCUMENT,
        "medical_summary": _DOCUMENT,
        "birth_certificate": _DOCUMENT,
        "court_order": _DOCUMENT,
        "power_of_attorney": _DOCUMENT,
        "privacy_waiver": _DOCUMENT,
        "transfer_receipt": _DOCUMENT,
        "death_certificate": _OF_DEATH,
        "cremation_authorisation": _OF_DEATH,
        "forensic_report": _OF_DEATH,
    }
)  # fmt: skip
"""Every code of `attestation_type`; a test holds the two together."""

CERTIFIED_RETURNS: Final = frozenset({"arrived", "received", "closed"})
"""States of a returnee record that can stand behind a returnee certificate, if she ever arrived."""


def vct_of(attestation_type: str) -> str:
    """The type of the credential, as a URI."""
    return _VCT.format(attestation_type)


def type_of(vct: object) -> str | None:
    """The type that a URI names; None when it is none of ours."""
    return next((name for name in KINDS if vct == vct_of(name)), None)


def folio(institution: str, number: int) -> str:
    """What people write down of an attestation: `gt.igm 0048213`. Says nothing of anybody."""
    return f"{institution} {number:07d}"


def shown_claims(
    attestation_type: str, wanted: Collection[str] | None, available: Collection[str]
) -> list[str]:
    """What is shown: what the holder chose, or the least, in the type's own order.

    Raises:
        ProblemError: `invalid_input`, she chose something that this attestation does not hold.
    """
    kind = KINDS[attestation_type]
    chosen = set(kind.least) & set(available) if wanted is None else set(wanted)
    if not chosen <= set(available):
        raise ProblemError(
            "invalid_input",
            errors=[FieldError(pointer="/show", detail="This attestation does not hold that.")],
        )
    return [name for name in kind.claims if name in chosen]


class AttestedDocument(ContractModel):
    """The document that is attested: its date and its SHA-256, never the document itself."""

    dated: Day
    sha256: Sha256


class AttestationInput(ContractModel):
    """What an institution's system asks its node to attest. All else is read from the record itself.

    Attributes:
        person: Which person of the referral, counted from 1; none is named when several could be meant.
    """

    type: AttestationType
    returnee_id: Uuid | None = None
    referral_id: Uuid | None = None
    consent_id: Uuid | None = None
    person: Annotated[Whole, Field(ge=1, le=30)] | None = None
    document: AttestedDocument | None = None
    valid_days: Annotated[Whole, Field(ge=1, le=1827)] = 365

    @model_validator(mode="after")
    def _is_about_one(self) -> "AttestationInput":
        named = [name for name in ("returnee", "referral", "consent") if self._id_of(name)]
        if named != [KINDS[self.type].about]:
            raise ValueError(f"{self.type} names a {KINDS[self.type].about}, and nothing else")
        if KINDS[self.type].of_document != (self.document is not None):
            raise ValueError("a document goes with what attests one")
        if self.person is not None and self.referral_id is None:
            raise ValueError("a person is one of a referral's")
        return self

    def _id_of(self, name: str) -> str | None:
        found: str | None = getattr(self, f"{name}_id")
        return found

    @property
    def subject(self) -> str:
        """The id of the record that it is about."""
        return self._id_of(KINDS[self.type].about) or ""


RevocationReason = Literal["wrong", "replaced", "asked_by_person", "other"]


class Revocation(ContractModel):
    """Why it no longer counts. Nobody outside is told why."""

    reason: RevocationReason


class AttestationRecord(ContractModel):
    """An attestation as its institution's systems read it: what it can show, never the values.

    Attributes:
        number: Its place in the list of revoked ones.
        claims: What its holder can choose to show.
        least: What is shown unless she chooses.
    """

    id: Uuid
    type: AttestationType
    state: Literal["valid", "expired", "revoked", "erased"]
    folio: ShortText
    number: Whole
    owner: PartyId
    about: About
    subject: Uuid
    claims: list[ClaimName]
    least: list[ClaimName]
    issued_at: Moment
    valid_until: Moment
    revoked_at: Moment | None = None
    revoked_for: RevocationReason | None = None


class Presentation(ContractModel):
    """What its holder hands over: the credential with what she chose to show, and nothing else."""

    presentation: Annotated[str, StringConstraints(max_length=MAX_PRESENTATION_CHARS)]
    shown: dict[ClaimName, Any]


class GatewayKeys(ContractModel):
    """A gateway's own key set."""

    gateway: GatewayId
    key_set: Annotated[str, Field(max_length=16_384)]


class SignedRevocationList(ContractModel):
    """What an institution revoked, as it signed it: bits by number (Token Status List), about nobody."""

    status_list: Annotated[str, Field(min_length=1, max_length=262_144)]


class TrustedIssuers(ContractModel):
    """A file that lets anyone verify without a network: signed directory entries and lists of revoked numbers.

    It is worth as much as whoever handed it over; identity keys have fingerprints that people can read
    to each other.
    """

    gateways: Annotated[list[GatewayKeys], Field(max_length=100)]
    entries: Annotated[list[Annotated[str, Field(max_length=65_536)]], Field(max_length=20_000)]
    status_lists: Annotated[
        list[Annotated[str, Field(max_length=262_144)]], Field(max_length=20_000)
    ] = []


Result = Literal["valid", "expired", "not_yet_valid", "revoked", "unknown_issuer", "not_genuine"]


class Verdict(ContractModel):
    """What a verifier found.

    Attributes:
        fingerprint: Of the issuer's identity key, for comparing with what the institution says.
        revocation: Whether the list of revoked numbers was there, and fresh.
        revocation_as_of: When the issuer signed that list: what it revoked later is not known.
    """

    result: Result
    type: AttestationType | None = None
    issuer: InstitutionId | None = None
    fingerprint: str | None = None
    folio: str | None = None
    issued_at: Moment | None = None
    valid_until: Moment | None = None
    shown: dict[str, Any] = {}
    revocation: Literal["checked", "stale", "unknown"] = "unknown"
    revocation_as_of: Moment | None = None

"""A person who returns: announced on a list or simply there, until the institute has received her.

Her sections are those of `person.py`, so that a referral can be made from the record. What a list
says in words that fit no code is kept in `as_written`, for people.
"""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from .identifiers import Country, PartyId, Uuid
from .lifecycles.returnee import NEEDS_REASON, State
from .model import ContractModel, Flag, LongText, Moment, ShortText, Whole
from .person import (
    ChildData,
    Contact,
    EthnicityLanguage,
    Family,
    FieldNote,
    Identity,
    IdentityDocuments,
    LocationMunicipality,
    Person,
    TravelAndReturn,
)
from .vocabularies.codes import Reason, ReturnMode, ReturnType, SpecificNeed

ManifestReference = Annotated[
    str,
    StringConstraints(
        min_length=1, max_length=80, pattern=r"^[A-Za-z0-9](?:[A-Za-z0-9 ._:/-]*[A-Za-z0-9])?$"
    ),
]
"""The list's own name, such as `GT-2026-03-02-AA123`. Stands in the clear: no names of persons."""

ReceptionNeed = Literal[
    "wheelchair", "lying_down", "medical_attention", "interpreter", "accompaniment"
]
"""What the reception prepares before she comes."""

GroupKind = Literal["family_unit", "sibling_group"]

MergeGround = Literal["asked", "same_paper", "listed_twice", "recognised"]
"""How somebody knows that it is one person: she, or whoever cares for her, was asked; one paper was
seen; a list holds her twice; staff who know her recognised her."""


class AsWritten(ContractModel):
    """A value as the paper has it, that fits no code or does not check. Never used as an identifier."""

    field: Annotated[str, StringConstraints(pattern=r"^[a-z_]{1,40}$")]
    text: ShortText


class ReturneeDetails(ContractModel):
    """What is known of her, section by section."""

    identity: Identity
    identity_document: IdentityDocuments | None = None
    contact: Contact | None = None
    location_municipality: LocationMunicipality | None = None
    family: Family | None = None
    child_data: ChildData | None = None
    travel_and_return: TravelAndReturn | None = None
    ethnicity_language: EthnicityLanguage | None = None
    specific_needs: Annotated[list[SpecificNeed], Field(max_length=30)] = []
    reception_needs: Annotated[list[ReceptionNeed], Field(max_length=5)] = []
    walk_on: Flag = Field(default=False, description="Boarded or came without being announced.")
    as_written: Annotated[list[AsWritten], Field(max_length=30)] = []


class Relative(ContractModel):
    """Somebody of her family with a record at this node."""

    relation: Literal["parent", "child", "sibling", "partner", "other_relative", "guardian"]
    returnee_id: Uuid


class Group(ContractModel):
    """A family or siblings who came together, by a name that the institution gives them."""

    kind: GroupKind
    reference: ShortText


class ReturneeInput(ReturneeDetails):
    """A record that an institution enters by hand: a walk-on, or somebody on no list.

    Attributes:
        state: Where she is already.
        sealed_event: Something that only the unit may read and no event, list or state ever says.
    """

    state: Literal["announced", "arrived", "received"] = "arrived"
    manifest_reference: ManifestReference | None = Field(
        default=None, description="The list of the flight or bus that she came with."
    )
    groups: Annotated[list[Group], Field(max_length=4)] = []
    relatives: Annotated[list[Relative], Field(max_length=20)] = []
    local_reference: ShortText | None = None
    sealed_event: Literal["died_on_board"] | None = None

    @model_validator(mode="after")
    def _is_of_somebody(self) -> "ReturneeInput":
        if self.identity.unidentified:
            raise ValueError("whoever returns has a name; one name is enough")
        return self


class GroupMembers(ContractModel):
    """The others of a family or of siblings, as far as they have records here."""

    kind: GroupKind
    returnee_ids: list[Uuid]


class RelativeLink(ContractModel):
    """A relative whom a list names; no id as long as no record here is hers."""

    relation: str
    returnee_id: Uuid | None = None


class ReturneeStep(ContractModel):
    """One step of a record. All but state and time is shown to the unit that holds it and to nobody else.

    Attributes:
        ground: Of a merge: how it is known that it is one person.
        confirmed_by: Of a merge or its undoing: who found it.
    """

    state: State
    at: Moment
    reason: Reason | None = None
    note: str | None = None
    ground: MergeGround | None = None
    confirmed_by: str | None = None


class ReturneeRecord(ContractModel):
    """A returnee as her institution reads her.

    Attributes:
        details: Absent in lists: persons are read one at a time.
        sealed_event: Shown to the unit that holds the record and to nobody else.
        merged_into: The record that goes on for her.
        merged_from: Records that were found to be hers too. They are read by their ids.
        lawful_basis: Registration at arrival is the institute's mandate; nobody is asked for consent to it.
    """

    id: Uuid
    owner: PartyId
    state: State
    lawful_basis: Literal["public_interest_mandate"] = "public_interest_mandate"
    manifest_id: Uuid | None = None
    details: ReturneeDetails | None = None
    groups: list[GroupMembers] = []
    relatives: list[RelativeLink] = []
    local_reference: str | None = None
    merged_into: Uuid | None = None
    merged_from: list[Uuid] = []
    sealed_event: Literal["died_on_board"] | None = None
    history: list[ReturneeStep] = []
    notes: list[FieldNote] = Field(
        default=[], description="What looks like something that nobody knew: ask her again."
    )
    possible_next: list[State] = []
    created_at: Moment
    updated_at: Moment


class ReturneeTransition(ContractModel):
    """A step in the life of a record.

    Attributes:
        to: Any state but merged, which has a request of its own.
        reason: Required for void.
    """

    to: Literal["announced", "arrived", "received", "closed", "did_not_board", "no_show", "void"]
    reason: Reason | None = None
    note: LongText | None = Field(
        default=None, description="For this node's own history. Never travels."
    )
    at: Moment | None = Field(default=None, description="When it happened, if not now.")

    @property
    def lacks_reason(self) -> bool:
        return self.to in NEEDS_REASON and self.reason is None


class Merge(ContractModel):
    """Somebody found that two records are of one person.

    Attributes:
        into: The record that goes on. Both are kept.
        confirmed_by: Desk or shift, or the role of whoever found it.
        note: For this node's own history. Never travels.
    """

    into: Uuid
    ground: MergeGround
    confirmed_by: ShortText
    note: LongText | None = None


class Unmerge(ContractModel):
    """Two people were taken for one.

    Attributes:
        confirmed_by: Desk or shift, or the role of whoever found it.
        note: For this node's own history. Never travels.
    """

    confirmed_by: ShortText
    note: LongText | None = None


class ManifestTerms(ContractModel):
    """What holds for every row of a list, unless the row says otherwise."""

    reference: ManifestReference
    destination: Country
    return_type: ReturnType | None = None
    return_mode: ReturnMode | None = None
    expected_at: Moment | None = None
    point_of_entry: ShortText | None = None
    date_order: Literal["day_first", "month_first"] = "day_first"


ManifestState = Literal["waiting", "running", "done"]
RowResult = Literal["kept", "changed", "unchanged", "refused"]


class ColumnNote(ContractModel):
    """What became of a whole column. Its heading is not repeated: a file without headings has names there."""

    position: Whole = Field(description="Counted from 1; for NDJSON, in the order first met.")
    column: str | None = Field(default=None, description="Which forbidden or known column it is.")
    code: str
    advice: str


class Manifest(ContractModel):
    """A list and how far it has been read. Counts are those of its last version.

    Attributes:
        rows_total: Rows that the file holds.
        rows_read: Rows answered so far.
        absent: Records of earlier versions that this one no longer lists; they are left as they are.
        version: 1 for the first file under this reference.
        rows_until: How long the answers to its rows are kept once it is read; counts and records stay.
    """

    id: Uuid
    terms: ManifestTerms
    state: ManifestState
    version: Whole
    rows_total: Whole
    rows_read: Whole
    kept: Whole
    changed: Whole
    unchanged: Whole
    refused: Whole
    absent: Whole | None = None
    columns: list[ColumnNote] = []
    created_at: Moment
    finished_at: Moment | None = None
    rows_until: Moment | None = None


class RowNote(ContractModel):
    """One thing to know about a row. Never repeats a value."""

    code: str
    column: str | None = None
    advice: str
    lines: list[Whole] = Field(default=[], description="Other lines that it is about.")


class RowAnswer(ContractModel):
    """What became of one row of a list."""

    line: Whole = Field(description="Of the file, counted from 1; in a workbook, the sheet's row.")
    result: RowResult
    returnee_id: Uuid | None = None
    notes: list[RowNote] = []


_SECTIONS = (
    "identity",
    "identity_document",
    "contact",
    "location_municipality",
    "family",
    "child_data",
    "travel_and_return",
    "ethnicity_language",
    "specific_needs",
)


def as_person(returnee_id: str, details: ReturneeDetails) -> Person:
    """The record as a person of a referral, whose local key is the record's id."""
    sections = {name: getattr(details, name) for name in _SECTIONS}
    return Person.model_validate({"person_id": returnee_id, **sections})

"""One pydantic type per code list that the contract's models use."""

from typing import Annotated

from .loader import code_of

AttestationType = Annotated[str, *code_of("attestation_type")]
AttemptOutcome = Annotated[str, *code_of("attempt_outcome")]
CaseProfile = Annotated[str, *code_of("case_profile")]
ChildCareStatus = Annotated[str, *code_of("child_care_status")]
DataCategory = Annotated[str, *code_of("data_category")]
DocumentType = Annotated[str, *code_of("identity_document_type")]
Household = Annotated[str, *code_of("household")]
InstitutionType = Annotated[str, *code_of("institution_type")]
LawfulBasis = Annotated[str, *code_of("lawful_basis")]
LivingSituation = Annotated[str, *code_of("living_situation")]
Mandate = Annotated[str, *code_of("mandate")]
OutcomeType = Annotated[str, *code_of("outcome_type")]
Purpose = Annotated[str, *code_of("purpose")]
Reason = Annotated[str, *code_of("reason")]
ReturnMode = Annotated[str, *code_of("return_mode")]
ReturnType = Annotated[str, *code_of("return_type")]
ServiceType = Annotated[str, *code_of("service_type")]
Sex = Annotated[str, *code_of("sex")]
SituationAfterReturn = Annotated[str, *code_of("situation_after_return")]
SpecificNeed = Annotated[str, *code_of("specific_need")]
TriageLevel = Annotated[str, *code_of("triage_level")]

"""One pydantic type per code list that the contract's models use."""

from typing import Annotated

from .loader import code_of

CaseProfile = Annotated[str, *code_of("case_profile")]
ChildCareStatus = Annotated[str, *code_of("child_care_status")]
DataCategory = Annotated[str, *code_of("data_category")]
DocumentType = Annotated[str, *code_of("identity_document_type")]
Household = Annotated[str, *code_of("household")]
InstitutionType = Annotated[str, *code_of("institution_type")]
LawfulBasis = Annotated[str, *code_of("lawful_basis")]
Mandate = Annotated[str, *code_of("mandate")]
OutcomeType = Annotated[str, *code_of("outcome_type")]
Purpose = Annotated[str, *code_of("purpose")]
Reason = Annotated[str, *code_of("reason")]
ReturnMode = Annotated[str, *code_of("return_mode")]
ReturnType = Annotated[str, *code_of("return_type")]
ServiceType = Annotated[str, *code_of("service_type")]
Sex = Annotated[str, *code_of("sex")]
SpecificNeed = Annotated[str, *code_of("specific_need")]
TriageLevel = Annotated[str, *code_of("triage_level")]

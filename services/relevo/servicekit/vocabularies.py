"""`/v1/vocabularies`: the code lists, the same at every service, for whoever builds forms on them."""

from functools import lru_cache
from typing import Annotated, Any, Final

from fastapi import APIRouter, Header, Path, Response

from relevo.contracts.problem import ProblemError
from relevo.contracts.vocabularies.loader import label_languages, list_ids
from relevo.contracts.vocabularies.published import (
    PublishedIndex,
    PublishedList,
    published_index,
    published_list,
)

from .etag import is_held, tag_of
from .languages import preferred_tag
from .openapi import answer, link
from .problems import problem_responses

_INDEX: Final = ""
_MAX_AGE_SECONDS: Final = 3600
_CONDITION: Final = "`ETag` of the answer that is held already."
_UNCHANGED: Final[dict[int | str, dict[str, Any]]] = {
    304: {"description": "What is held already is the newest."}
}

AcceptLanguage = Annotated[
    str | None,
    Header(
        description="Such as `es-MX`: a label without a Mexican form is given in `es`, one without "
        "a form in the language in `en`.",
        examples=["es-MX"],
    ),
]
IfNoneMatch = Annotated[str | None, Header(description=_CONDITION, max_length=2000)]


def vocabulary_router() -> APIRouter:
    """Public: nothing in a code list is about anybody, and forms are built before anyone has a token."""
    router = APIRouter(prefix="/v1/vocabularies", tags=["vocabularies"])

    @router.get(
        "",
        summary="List the vocabularies",
        description="Every code list with its version and digest. No token is needed.",
        response_model=PublishedIndex,
        responses=answer(
            200,
            "All of them.",
            {"vocabularies": published_index("es").model_dump()["vocabularies"][:1]},
            link("get_vocabulary", "The first one.", list_id="$response.body#/vocabularies/0/id"),
        )
        | _UNCHANGED,
    )
    async def list_vocabularies(
        accept_language: AcceptLanguage = None, if_none_match: IfNoneMatch = None
    ) -> Response:
        return _answered(_INDEX, accept_language, if_none_match)

    @router.get(
        "/{list_id}",
        summary="Read a vocabulary",
        description="Codes in their order, with labels in the language of `Accept-Language` and in all "
        "others. Lists only grow: a code is never given another meaning. No token is needed.",
        response_model=PublishedList,
        responses=answer(200, "The list.", published_list("withdrawal_answer", "es").model_dump())
        | _UNCHANGED
        | problem_responses("not_found"),
    )
    async def get_vocabulary(
        list_id: Annotated[
            str, Path(examples=["withdrawal_answer"], pattern="^[a-z_]+$", max_length=60)
        ],
        accept_language: AcceptLanguage = None,
        if_none_match: IfNoneMatch = None,
    ) -> Response:
        if list_id not in list_ids():
            raise ProblemError("not_found")
        return _answered(list_id, accept_language, if_none_match)

    return router


def _answered(list_id: str, accept_language: str | None, if_none_match: str | None) -> Response:
    language = preferred_tag(accept_language, label_languages())
    body, tag = _written(list_id, language)
    headers = {
        "etag": tag,
        "content-language": language,
        "vary": "Accept-Language",
        "cache-control": f"public, max-age={_MAX_AGE_SECONDS}",
    }
    if is_held(tag, if_none_match):
        return Response(status_code=304, headers=headers)
    return Response(body, media_type="application/json", headers=headers)


@lru_cache(maxsize=512)
def _written(list_id: str, language: str) -> tuple[bytes, str]:
    shown = published_list(list_id, language) if list_id else published_index(language)
    body = shown.model_dump_json().encode()
    return body, tag_of(body)

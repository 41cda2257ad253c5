from typing import Any

import httpx
import pytest

from relevo.contracts.vocabularies.loader import list_ids
from relevo.servicekit.application import new_application
from relevo.servicekit.languages import preferred_tag
from relevo.servicekit.vocabularies import vocabulary_router

OFFERED = ("en", "es", "es-GT", "es-MX", "fr")


async def ask(path: str, **headers: str) -> httpx.Response:
    app = new_application(title="Node", version="1", summary="Trial.", checks={})
    app.include_router(vocabulary_router())
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://node.example") as client:
        asked = {name.replace("_", "-"): value for name, value in headers.items()}
        return await client.get(f"/v1/vocabularies{path}", headers=asked)


def of(response: httpx.Response, code: str) -> dict[str, Any]:
    [found] = [entry for entry in response.json()["codes"] if entry["code"] == code]
    return dict(found)


@pytest.mark.asyncio
async def test_every_list_stands_in_the_index_with_its_version() -> None:
    response = await ask("", accept_language="es")
    listed = response.json()["vocabularies"]
    assert [entry["id"] for entry in listed] == list(list_ids())
    assert {entry["version"] for entry in listed} == {"1"}
    assert {len(entry["digest"]) for entry in listed} == {64}
    assert next(e["title"] for e in listed if e["id"] == "purpose") == "Finalidad"


@pytest.mark.asyncio
@pytest.mark.parametrize("list_id", list_ids())
async def test_every_list_can_be_read(list_id: str) -> None:
    response = await ask(f"/{list_id}")
    assert response.status_code == 200
    assert response.json()["id"] == list_id


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("asked", "label", "language"),
    [
        ("es-MX", "declinada", "es-MX"),
        ("es-GT", "no procede", "es-GT"),
        ("es-NI", "no procede", "es-NI"),
        ("es-AR", "no procede", "es"),
        ("en", "rejected", "en"),
        ("", "rejected", "en"),
        ("quc, es-MX;q=0.8", "declinada", "es-MX"),
    ],
)
async def test_a_label_comes_in_the_words_of_the_country_or_else_of_the_region(
    asked: str, label: str, language: str
) -> None:
    response = await ask("/referral_state", accept_language=asked)
    assert of(response, "rejected")["label"] == label
    assert response.headers["content-language"] == language
    assert response.headers["vary"] == "Accept-Language"


@pytest.mark.asyncio
async def test_what_the_person_reads_stands_beside_what_the_officer_reads() -> None:
    closed = of(await ask("/referral_state", accept_language="es-MX"), "closed")
    assert (closed["label"], closed["label_to_person"]) == ("concluida", "terminó")


@pytest.mark.asyncio
async def test_a_reader_who_holds_the_newest_is_sent_nothing() -> None:
    first = await ask("/reason", accept_language="es")
    again = await ask(
        "/reason", accept_language="es", if_none_match=f'"x", W/{first.headers["etag"]}'
    )
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == first.headers["etag"]
    other_language = await ask("/reason", accept_language="en", if_none_match=first.headers["etag"])
    assert other_language.status_code == 200


@pytest.mark.asyncio
@pytest.mark.parametrize("list_id", ["nobody_knows_it", "..", "%2e%2e%2fmodel"])
async def test_a_list_that_does_not_exist_is_not_found(list_id: str) -> None:
    response = await ask(f"/{list_id}")
    assert response.status_code in {404, 422}
    assert response.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("asked", "given"),
    [
        (None, "en"),
        ("*", "en"),
        ("de", "en"),
        ("es-mx", "es-MX"),
        ("es-HN", "es"),
        ("es-419, en;q=0.9", "es"),
        ("en;q=0.2, fr-CA;q=0.7", "fr"),
        ("fr;q=0, es;q=0.1", "es"),
        ("fr;q=nonsense, es;q=0.1", "es"),
        ("es;q=7", "en"),
    ],
)
def test_the_best_offered_language_is_chosen(asked: str | None, given: str) -> None:
    assert preferred_tag(asked, OFFERED) == given

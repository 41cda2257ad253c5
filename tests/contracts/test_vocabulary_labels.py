"""What people read: labels in the words of their country, and for the person in her own."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from relevo.contracts.plain_text import plain
from relevo.contracts.vocabularies.loader import Code, code_list, label_languages, list_ids


def labels_of(code: Code) -> Iterator[tuple[str, str]]:
    yield "es", code.es
    yield "en", code.en
    yield from code.labels.items()


def every_label() -> Iterator[tuple[str, str, str, str]]:
    for list_id in list_ids():
        listed = code_list(list_id)
        yield list_id, "title", "es", listed.title_es
        yield list_id, "title", "en", listed.title_en
        for code in listed.codes:
            for language, label in labels_of(code):
                yield list_id, code.code, language, label


def test_every_label_is_one_trimmed_line_with_a_known_language() -> None:
    for list_id, code, language, label in every_label():
        where = f"{list_id}.{code} {language}"
        assert label, where
        assert label == " ".join(label.split()), where
        assert re.fullmatch(r"(es|en|fr|pt|ht)(-[A-Z]{2}|-x-person)?", language), where


def test_no_label_is_the_same_twice_in_a_list() -> None:
    for list_id in list_ids():
        for language in ("es", "en"):
            labels = [getattr(code, language) for code in code_list(list_id).codes]
            assert len(labels) == len(set(labels)), (list_id, language)


@pytest.mark.parametrize(
    ("list_id", "code", "language", "label"),
    [
        ("referral_state", "rejected", "es", "no procede"),
        ("referral_state", "rejected", "es-MX", "declinada"),
        ("referral_state", "redirected", "es", "derivada a otra institución"),
        ("referral_state", "redirected", "es-MX", "recanalizada"),
        ("referral_state", "closed", "es-MX", "concluida"),
        ("referral_state", "closed", "es-GT", "conclusión del caso"),
        ("referral_state", "closed", "es-HN", "cerrada"),
        ("referral_state", "closed", "es-x-person", "terminó"),
        ("referral_state", "acknowledged", "es-x-person", "una persona ya la leyó"),
        ("referral_state", "closed", "fr", "close"),
        ("referral_state", "closed", "fr-CA", "close"),
        ("referral_state", "closed", "nl", "closed"),
        ("referral_state", "closed", "es-419", "cerrada"),
        ("referral_state", "closed", "ES-mx", "concluida"),
        ("terms", "referral", "es", "derivación"),
        ("terms", "referral", "es-GT", "derivación"),
        ("terms", "referral", "es-MX", "canalización"),
        ("terms", "indigenous_language", "es-GT", "idioma maya, garífuna o xinka"),
        ("terms", "indigenous_language", "es-MX", "lengua indígena"),
        ("return_type", "assisted_return_administrative", "es-MX", "retorno asistido"),
        ("identity_document_type", "national_id", "es-GT", "DPI"),
        ("identity_document_type", "national_id", "es-HN", "DNI"),
        ("identity_document_type", "national_id", "es-SV", "DUI"),
        ("service_type", "consular_id", "es-MX", "matrícula consular"),
    ],
)
def test_a_label_is_said_in_the_words_of_the_country(
    list_id: str, code: str, language: str, label: str
) -> None:
    assert code_list(list_id).label(code, language) == label


def test_the_person_reads_her_own_words_and_otherwise_those_of_her_country() -> None:
    states = code_list("referral_state")
    assert states.label("closed", "es-MX", to_person=True) == "terminó"
    assert states.label("closed", "en", to_person=True) == "it has ended"
    assert states.label("closed", "fr", to_person=True) == "close"
    assert states.label("closed", "nl", to_person=True) == "it has ended"
    assert code_list("reason").label("no_capacity", "es-GT", to_person=True) == "sin cupo"


def test_she_is_told_every_state_of_her_referral_in_her_own_words() -> None:
    for state in code_list("referral_state").codes:
        assert {"es-x-person", "en-x-person"} <= state.labels.keys(), state.code


def test_a_title_is_said_in_spanish_to_whoever_reads_any_spanish() -> None:
    assert code_list("purpose").title("es-HN") == "Finalidad"
    assert code_list("purpose").title("fr") == "Purpose"


def test_every_language_of_a_label_is_offered() -> None:
    assert label_languages()[:2] == ("en", "es")
    assert {"es-MX", "es-GT", "es-HN", "es-SV", "fr", "pt", "ht"} <= set(label_languages())


def test_a_label_of_a_code_that_does_not_exist_is_an_error() -> None:
    with pytest.raises(KeyError):
        code_list("purpose").label("enforcement")


def test_a_death_is_not_told_by_the_label_of_its_reason() -> None:
    death = next(code for code in code_list("reason").codes if code.code == "death_notified")
    for _, label in labels_of(death):
        assert not re.search(r"fallec|muer|defunci|death|died|dead", label, re.IGNORECASE)


def test_the_glossary_knows_every_word_of_the_terms() -> None:
    page = Path(__file__).resolve().parents[2] / "docs" / "glossary.md"
    known = set(plain(page.read_text("utf-8")).split())
    for entry in code_list("terms").codes:
        words = {word for word in plain(entry.es).split() if len(word) > 3}
        assert words <= known, entry.code

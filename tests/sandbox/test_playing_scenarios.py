"""The player with real services: what holds passes, and what does not fails with its line and answer."""

from collections.abc import Iterator

import pytest

from relevo.sandbox.scenarios.federation import Federation
from relevo.sandbox.scenarios.load import load
from relevo.sandbox.scenarios.run import Result, play
from tests.sandbox.test_scenario_files import SMALL, line_of


@pytest.fixture(scope="module")
def federation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Federation]:
    with Federation(tmp_path_factory.mktemp("federation")) as running:
        yield running


def played(federation: Federation, name: str, text: str) -> Result:
    own = text.replace('id = "my-first-route"', f'id = "{name}"')
    return play(load({"my.scenario.toml": own})[0], federation)


def test_a_scenario_is_played_to_its_outcome_and_can_fail(federation: Federation) -> None:
    """One test, so that one federation plays all of them."""
    result = played(federation, "holds", SMALL)
    assert (result.failure, result.steps, result.checks) == (None, 4, 1)
    assert result.outcome == "R1 service_delivered"

    for name, written, instead, said in WRONG:
        text = SMALL.replace(written, instead, 1)
        failure = played(federation, name, text).failure or "it passed"
        assert said in failure, (name, failure)
        line = int(failure.split(":")[1])
        assert abs(line - line_of(text, instead)) <= 6, (name, failure)


WRONG = [
    (
        "wrong-expectation",
        'do = "accept"\nof = "R1"',
        'do = "accept"\nof = "R1"\nexpect = { state = "rejected" }',
        "state should be rejected, and is accepted",
    ),
    (
        "not-among-others",
        'do = "accept"\nof = "R1"',
        'do = "accept"\nof = "R1"\namong = { needs = [{ service = "national_id" }] }',
        'needs should have [{"service": "national_id"}]',
    ),
    (
        "among-others",
        'do = "accept"\nof = "R1"',
        'do = "accept"\nof = "R1"\nnot_among = { needs = [{ service = "food" }] }',
        'needs should not have [{"service": "food"}]',
    ),
    (
        "refused-step",
        'do = "accept"\nof = "R1"',
        'do = "start"\nof = "R1"',
        "it was answered 409",
    ),
    (
        "not-refused",
        'do = "accept"\nof = "R1"',
        'do = "accept"\nof = "R1"\nrefused = "not_found"',
        "it should be refused with not_found, and was answered 200",
    ),
    (
        "wrong-outcome",
        'code = "service_delivered"',
        'code = "document_issued"',
        "R1 should have come to completed (document_issued)",
    ),
    (
        "word-that-somebody-reads",
        'at = ["mx.albergue-tapachula", "gt.igm.crr"]',
        'at = ["mx.albergue-tapachula"]',
        "gt.igm reads Rosalba",
    ),
    (
        "word-that-nobody-reads",
        'words = ["Rosalba", "Tzunux"]',
        (
            'words = ["Zunzunita"]\nat = ["gt.igm.crr"]\n\n[persons.nobody]\n'
            'identity = { given_names = "Zunzunita" }\n\n'
            '[[checks]]\nthat = "words_only_at"\nwords = ["Tzunux"]'
        ),
        "nobody of gt.igm.crr reads Zunzunita",
    ),
    (
        "figures-that-tell",
        '[[checks]]\nthat = "words_only_at"',
        '[[checks]]\nthat = "figures"\nlack = ["digests"]\n\n[[checks]]\nthat = "words_only_at"',
        "the figures of mx.albergue-tapachula show digests",
    ),
    (
        "sees-something",
        'that = "words_only_at"\nwords = ["Rosalba", "Tzunux"]\nat = ["mx.albergue-tapachula", "gt.igm.crr"]',
        'that = "sees_nothing"\nby = ["gt.igm.crr"]\nof = "R1"',
        "gt.igm.crr is answered 200",
    ),
]

import os
import subprocess
import sys

import httpx
import pytest
from pydantic import TypeAdapter, ValidationError
from sqlalchemy.exc import OperationalError

from relevo.auth.exceptions import WrappingKeyError
from relevo.cli.failures import CANNOT_START, REFUSED, CommandError, explain
from relevo.contracts.problem import FieldError, ProblemError
from relevo.gateway.exceptions import MissingKeysError, RegistrationError
from relevo.servicekit.jose import BadSignatureError
from relevo.servicekit.outbound_errors import RefusedError, RetryableError
from relevo.servicekit.settings import InvalidSettingsError


@pytest.mark.parametrize(
    ("error", "status", "words"),
    [
        (CommandError("no"), REFUSED, "no"),
        (ProblemError("not_found"), REFUSED, "Not found."),
        (InvalidSettingsError("base_url"), CANNOT_START, "base_url"),
        (WrappingKeyError("chmod 600"), CANNOT_START, "chmod 600"),
        (MissingKeysError("run init"), CANNOT_START, "run init"),
        (RegistrationError("nobody should"), REFUSED, "nobody should"),
        (BadSignatureError("no key"), REFUSED, "no key"),
        (RefusedError(None, 401, oauth_error="invalid_client"), REFUSED, "refuses"),
        (RetryableError("timeout"), REFUSED, "timeout"),
        (httpx.ConnectError("refused"), REFUSED, "cannot be reached"),
        (FileNotFoundError(2, "No such file", "a.toml"), REFUSED, "There is no a.toml."),
        (PermissionError(13, "Permission denied", "a.toml"), REFUSED, "Permission denied"),
    ],
)
def test_every_failure_that_people_can_mend_is_explained(
    error: Exception, status: int, words: str
) -> None:
    failure = explain(error)
    assert failure is not None
    assert failure.status == status
    assert words in failure.text


def test_a_database_failure_shows_no_statement_and_no_value() -> None:
    failure = explain(OperationalError("SELECT 'Tomasa'", {}, Exception("secret")))
    assert failure is not None
    assert failure.status == CANNOT_START
    assert "Tomasa" not in failure.text
    assert "secret" not in failure.text


def test_a_problem_names_the_places_that_are_wrong() -> None:
    errors = [FieldError(pointer="/scopes/0", detail="Not for an enforcement unit.")]
    failure = explain(ProblemError("enforcement_only_hands_over", errors=errors))
    assert failure is not None
    assert failure.text.endswith("/scopes/0: Not for an enforcement unit.")


def test_a_wrong_document_is_explained_without_its_values() -> None:
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(int).validate_python("Tomasa")
    failure = explain(caught.value)
    assert failure is not None
    assert "Tomasa" not in failure.text


def test_a_fault_of_ours_is_not_explained_away() -> None:
    assert explain(TypeError("a bug")) is None


def test_whoever_stops_reading_has_seen_enough() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as gone:
        done = subprocess.run(
            [sys.executable, "-m", "relevo.cli.main", "pathway", "list"],
            stdout=gone,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert (done.returncode, done.stderr) == (0, b"")

"""What no client of ours sends: each is a clear problem, or a plain 400 of the HTTP layer.

Nothing of it is stored, no answer shows a stack trace or repeats a value, and the service goes on.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from sqlalchemy import Connection, text

from relevo.contracts.problem import MEDIA_TYPE, Problem
from relevo.contracts.problem_types import PROBLEM_BASE
from relevo.servicekit.json_input import MAX_DEPTH
from tests.adversary.raw_http import Answer, chunked, exchange, request
from tests.openapi.targets import Target, committed

Targets = Callable[[str], Target]
SECRET = "Tomasa-Temaj-1993"
JSON = {"Content-Type": "application/json"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
POSTS = {"node": "/v1/consents", "auth": "/oauth/clients", "gateway": "/v1/grant-status"}
LIMITS = {"node": 1024 * 1024, "auth": 64 * 1024, "gateway": 1024 * 1024}


@dataclass
class Service:
    """A service under attack, at one operation that takes JSON."""

    target: Target
    path: str
    before: dict[str, int] = field(default_factory=dict)

    @property
    def port(self) -> int:
        return int(self.target.url.rpartition(":")[2])

    @property
    def name(self) -> str:
        return self.target.service

    def headers(self, **more: str) -> dict[str, str]:
        held = self.target.credentials(self.path, "POST", self.path)
        return {**JSON, **held, "Idempotency-Key": "k-1", **more}

    def post(self, body: bytes, *, fields: bytes = b"", **headers: str) -> Answer:
        sent = {name: value for name, value in self.headers(**headers).items() if value}
        return self.only(request(self.path, body, headers=sent, fields=fields))

    def only(self, *pieces: bytes) -> Answer:
        answers, raw = exchange(self.port, *pieces)
        clean(raw)
        [answer] = answers
        return answer

    def example(self) -> dict[str, Any]:
        shown = committed(self.name)["paths"][self.path]["post"]["requestBody"]["content"]
        example: dict[str, Any] = shown["application/json"]["example"]
        return example

    def rows(self) -> dict[str, int]:
        return self.target.database.read_now(counted)


def counted(connection: Connection) -> dict[str, int]:
    names = connection.scalars(text("SELECT name FROM sqlite_master WHERE type = 'table'")).all()
    each = " UNION ALL ".join(f"SELECT '{name}', count(*) FROM {name}" for name in names)  # noqa: S608
    return {name: count for name, count in connection.execute(text(each))}  # noqa: C416 - rows


def clean(raw: bytes) -> None:
    for trace in (SECRET.encode(), b"Traceback", b'File "', b"Error:", b"sqlalchemy", b"pydantic"):
        assert trace not in raw, raw[:2000]


def refused(answer: Answer, name: str) -> Problem:
    assert answer.headers["content-type"] == MEDIA_TYPE, answer
    problem = Problem.model_validate_json(answer.body)
    assert problem.type == PROBLEM_BASE + name
    assert problem.status == answer.status
    assert set(problem.translations) == {"en", "es"}
    return problem


@pytest.fixture(params=sorted(POSTS))
def service(request: pytest.FixtureRequest, target: Targets) -> Iterator[Service]:
    """Whatever is done to it, it holds afterwards what it held before, and still answers."""
    name: str = request.param
    found = Service(target(name), POSTS[name])
    before = found.rows()
    yield found
    assert found.rows() == before
    assert found.only(b"GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").status == 200


# -- bodies -----------------------------------------------------------------------------------------


def nested(depth: int) -> bytes:
    return b'{"a":' * depth + b'"' + SECRET.encode() + b'"' + b"}" * depth


BODIES: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "invalid_input"),
    "white space": (b" \r\n\t ", "malformed_json"),
    "not JSON": (SECRET.encode(), "malformed_json"),
    "JSON cut off": (b'{"person_id": "' + SECRET.encode(), "malformed_json"),
    "two values": (b'{} {"a": 1}', "malformed_json"),
    "a comma too many": (b'{"a": 1,}', "malformed_json"),
    "a comment": (b'{"a": 1} // ' + SECRET.encode(), "malformed_json"),
    "single quotes": (b"{'a': 1}", "malformed_json"),
    "a key twice": (b'{"a": 1, "a": "' + SECRET.encode() + b'"}', "malformed_json"),
    "a key twice, deep inside": (b'{"a": [{"b": {"c": 1, "c": 2}}]}', "malformed_json"),
    "a key twice, once escaped": (b'{"a": 1, "\\u0061": 2}', "malformed_json"),
    "NaN": (b'{"a": NaN}', "malformed_json"),
    "Infinity": (b'{"a": -Infinity}', "malformed_json"),
    "a number out of range": (b'{"a": 1e999}', "malformed_json"),
    "a number of 5,000 digits": (b'{"a": ' + b"9" * 5000 + b"}", "malformed_json"),
    "bad UTF-8": (b'{"person_id": "\xff\xfe' + SECRET.encode() + b'"}', "malformed_json"),
    "UTF-8 too long": (b'{"a": "\xc0\xaf"}', "malformed_json"),
    "a surrogate in UTF-8": (b'{"a": "\xed\xa0\x80"}', "malformed_json"),
    "UTF-16": ('{"a": 1}'.encode("utf-16"), "malformed_json"),
    "UTF-32": ('{"a": 1}'.encode("utf-32"), "malformed_json"),
    "a byte order mark": (b"\xef\xbb\xbf{}", "malformed_json"),
    "NUL": (b"\x00", "malformed_json"),
    "NUL in a text": (b'{"a": "\x00"}', "malformed_json"),
    "NUL in a text, escaped": (b'{"a": "\\u0000' + SECRET.encode() + b'"}', "invalid_input"),
    "NUL in a key, escaped": (b'{"\\u0000": 1}', "invalid_input"),
    "half a surrogate pair": (b'{"a": "\\ud83d"}', "invalid_input"),
    "a level too deep": (nested(MAX_DEPTH + 1), "too_deep"),
    "60,000 lists": (b"[" * 30_000 + b"]" * 30_000, "too_deep"),
    "60,000 lists without end": (b"[" * 60_000, "too_deep"),
    "null": (b"null", "invalid_input"),
    "true": (b"true", "invalid_input"),
    "a number": (b"42", "invalid_input"),
    "a text": (json.dumps(SECRET).encode(), "invalid_input"),
    "a list": (b"[]", "invalid_input"),
    "a list of objects": (b'[{"person_id": "' + SECRET.encode() + b'"}]', "invalid_input"),
    "an empty object": (b"{}", "invalid_input"),
    "unknown members": (json.dumps({f"{SECRET} x": SECRET}).encode(), "invalid_input"),
    "JSON in a JSON text": (json.dumps('{"person_id": "a"}').encode(), "invalid_input"),
}


@pytest.mark.parametrize("name", BODIES)
def test_a_bad_body_is_refused_by_name(service: Service, name: str) -> None:
    body, problem = BODIES[name]
    found = refused(service.post(body), problem)
    if problem == "invalid_input":
        assert found.errors


WRONG = (None, True, -1, 1.5, "", SECRET, [], [None], [[]], {}, {SECRET: SECRET}, SECRET * 400)


def test_no_member_takes_a_value_of_another_type(service: Service) -> None:
    example = service.example()
    for member, right in example.items():
        for wrong in WRONG:
            if type(wrong) is type(right):
                continue  # perhaps a right one
            answer = service.post(json.dumps({**example, member: wrong}).encode())
            refused(answer, "invalid_input")


def test_one_byte_of_rubbish_anywhere_spoils_a_good_body(service: Service) -> None:
    good = json.dumps(service.example()).encode()
    for at in range(0, len(good), max(1, len(good) // 60)):
        for byte in (b"\x00", b"\xff", b"\x1b"):
            answer = service.post(good[:at] + byte + good[at + 1 :], **{"Idempotency-Key": "~bad"})
            refused(answer, "malformed_json")


# -- sizes ------------------------------------------------------------------------------------------


def test_a_body_over_the_limit_is_refused_before_it_is_sent(service: Service) -> None:
    head = request(service.path, headers=service.headers(), length=LIMITS[service.name] + 1)
    answer = service.only(head)
    assert refused(answer, "body_too_large").model_extra == {"limit": LIMITS[service.name]}
    assert answer.headers["connection"] == "close"
    waiting = request(service.path, headers=service.headers(Expect="100-continue"), length=10**12)
    refused(service.only(waiting), "body_too_large")


def test_a_chunked_body_over_the_limit_is_refused_while_it_streams(service: Service) -> None:
    headers = service.headers(**{"Transfer-Encoding": "chunked"})
    head = request(service.path, headers=headers)
    piece = b"%x\r\n" % 65536 + b" " * 65536 + b"\r\n"
    answer = service.only(head, *[piece] * (LIMITS[service.name] // 65536 + 2))
    refused(answer, "body_too_large")


def test_a_chunked_body_is_judged_as_any_other(service: Service) -> None:
    headers = service.headers(**{"Transfer-Encoding": "chunked"})
    head = request(service.path, headers=headers)
    refused(service.only(head + chunked(nested(40), 3)), "too_deep")
    refused(service.only(head, b"2\r\n{}\r\n", b"0\r\n\r\n"), "invalid_input")


def test_nothing_is_done_with_a_body_that_never_comes_to_its_end(service: Service) -> None:
    whole = json.dumps(service.example()).encode()
    head = request(service.path, headers=service.headers(), length=len(whole) + 10)
    with pytest.raises(TimeoutError):
        exchange(service.port, head + whole, patience=0.3)


# -- what the body says it is -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content_type",
    [
        "", "text/plain", "text/json", "application/xml", "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x", "application/octet-stream", "application/jsonp", "json", "*/*",
        "application/json, text/plain", "application/problem+json", ";", SECRET,
    ],
)  # fmt: skip
def test_only_json_is_read(service: Service, content_type: str) -> None:
    body = json.dumps(service.example()).encode()
    refused(service.post(body, **{"Content-Type": content_type}), "unsupported_media_type")


def test_compressed_bodies_and_two_types_are_not_read(service: Service) -> None:
    body = json.dumps(service.example()).encode()
    refused(service.post(body, **{"Content-Encoding": "gzip"}), "unsupported_media_type")
    refused(service.post(body, fields=b"Content-Type: text/plain\r\n"), "unsupported_media_type")


# -- who asks -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "authorization",
    [
        "", "Bearer", "Bearer ", "Bearer  ", "bearer x", "Basic dG9tYXNhOnRlbWFq", "Negotiate YII=",
        "Digest username=x", "DPoP x", "Token x", "x", f"Bearer {SECRET}", "Bearer a.b.c", "Bearer a b",
        "Bearer eyJhbGciOiJub25lIn0.e30.", "Bearer " + "a" * 20_000, "Bearer \xff\xfe", "Bearer ..",
        "Bearer eyJhbGciOiJIUzI1NiIsInR5cCI6ImF0K2p3dCIsImtpZCI6IngifQ.e30.c2ln",
    ],
    ids=lambda value: value[:30].encode("ascii", "replace").decode() or "absent",
)  # fmt: skip
def test_nobody_is_let_in_without_a_token_of_the_issuer(
    service: Service, authorization: str
) -> None:
    body = json.dumps(service.example()).encode()
    answer = service.post(body, Authorization=authorization, DPoP="")
    refused(answer, "invalid_token")
    assert answer.headers["www-authenticate"].startswith(("Bearer ", "DPoP "))
    assert service.post(b"{}", Authorization=authorization, DPoP="").status == 401


def test_a_token_elsewhere_or_twice_is_no_token(service: Service) -> None:
    held = service.headers()["Authorization"]
    token = held.partition(" ")[2]
    sent = {name: value for name, value in service.headers().items() if name != "Authorization"}
    in_url = request(f"{service.path}?access_token={token}", b"{}", headers=sent)
    refused(service.only(in_url), "invalid_token")
    cookie = request(service.path, b"{}", headers={**sent, "Cookie": f"Authorization={token}"})
    refused(service.only(cookie), "invalid_token")
    for other in ("Basic eDp5", "Bearer x.y.z"):
        first = request(
            service.path, b"{}", headers=sent, fields=f"Authorization: {other}\r\n".encode()
        )
        refused(service.only(first), "invalid_token")
    other_scheme = {"Bearer": "DPoP", "DPoP": "Bearer"}[held.partition(" ")[0]]
    refused(
        service.post(b"{}", Authorization=f"{other_scheme} {token}", DPoP=""), "invalid_dpop_proof"
    )


# -- the HTTP layer -----------------------------------------------------------------------------------

GET = b"GET /livez HTTP/1.1\r\nHost: x\r\n"
POST = b"POST /v1/x HTTP/1.1\r\nHost: x\r\n"
NOT_HTTP: dict[str, bytes] = {
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200),
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "every byte": bytes(range(256)) * 8,
    "a line of garbage": SECRET.encode() + b"\r\n\r\n",
    "HTTP/9.9": b"GET /livez HTTP/9.9\r\nHost: x\r\n\r\n",
    "bare line feeds": b"GET /livez HTTP/1.1\nHost: x\n\n",
    "a folded field": GET + b"X-A: a\r\n b\r\n\r\n",
    "NUL in a field": GET + b"X-A: " + SECRET.encode() + b"\x00\r\n\r\n",
    "a blank in a name": GET + b"X A: a\r\n\r\n",
    "a field without name": GET + b": a\r\n\r\n",
    "bytes in the path": b"GET /\xff\xfe HTTP/1.1\r\nHost: x\r\n\r\n",
    "no path": b"GET  HTTP/1.1\r\nHost: x\r\n\r\n",
    "no host": b"GET /livez HTTP/1.1\r\n\r\n",
    "two hosts": GET + b"Host: y\r\n\r\n",
    "two lengths": POST + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef",
    "a negative length": POST + b"Content-Length: -5\r\n\r\n",
    "a length beyond numbers": POST + b"Content-Length: " + b"9" * 30 + b"\r\n\r\n",
    "a length in hex": POST + b"Content-Length: 0x10\r\n\r\n",
    "length and chunks": POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "an unknown coding": POST + b"Transfer-Encoding: gzip\r\n\r\nabc",
    "chunked, then another": POST + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    "a chunk without length": POST + b"Transfer-Encoding: chunked\r\n\r\nZZ\r\nabc\r\n",
    "a chunk beyond numbers": POST + b"Transfer-Encoding: chunked\r\n\r\n" + b"f" * 40 + b"\r\n",
    "a tunnel": b"CONNECT evil.example:80 HTTP/1.1\r\nHost: x\r\n\r\n",
    "garbage behind a request": GET + b"\r\n\x00\xff" + SECRET.encode() + b"\r\n\r\n",
}


@pytest.mark.parametrize("name", NOT_HTTP)
def test_what_is_no_http_is_a_plain_400_and_the_end(service: Service, name: str) -> None:
    answers, raw = exchange(service.port, NOT_HTTP[name])
    clean(raw)
    assert answers[-1].status == 400
    assert answers[-1].headers["connection"] == "close"
    assert len(answers[-1].body) < 1000


def test_heads_without_measure_are_refused(service: Service) -> None:
    filler = b"X-A: " + SECRET.encode() * 4000 + b"\r\n"
    assert service.only(request(service.path, b"{}", fields=filler)).status == 431
    many = b"".join(b"X-%d: %s\r\n" % (n, SECRET.encode()) for n in range(3000))
    assert service.only(request(service.path, b"{}", fields=many)).status == 431
    assert service.only(request("/" + "a" * 50_000, method="GET")).status == 431


NOWHERE = {"not_found", "method_not_allowed", "invalid_token", "invalid_input", "bad_request"}


@pytest.mark.parametrize(
    "path",
    [
        "/../../etc/passwd", "/v1/../livez", "/%2e%2e/%2e%2e/etc/passwd", "//livez", "/livez/", "/%00",
        "/v1/%c0%af", "/v1/%ff%fe", "/v1/%", "/v1/%zz", "/v1/%0d%0aX-A:%20b", f"/v1/{SECRET}",
        f"/v1/referrals/{SECRET}", f"/oauth/clients/%00{SECRET}", "/v1/referrals/%F0%9F%92%A9", "/docs",
        "/redoc", "/.git/config", "/openapi.yaml", "/" + "a/" * 2000, "/;/livez", "/livez%3f", "*",
    ],
    ids=lambda value: value[:30],
)  # fmt: skip
def test_paths_that_lead_nowhere_are_not_found(service: Service, path: str) -> None:
    for method in ("GET", "POST", "DELETE", "PROPFIND", "TRACE"):
        answer = service.only(request(path, method=method))
        problem = Problem.model_validate_json(answer.body)
        name = problem.type.removeprefix(PROBLEM_BASE)
        assert name in NOWHERE, name


def test_methods_nobody_offers_are_refused_with_those_that_are(service: Service) -> None:
    for method in ("PUT", "DELETE", "PATCH", "TRACE", "OPTIONS", "PROPFIND", "SEARCH"):
        answer = service.only(request(service.path, method=method, headers=service.headers()))
        refused(answer, "method_not_allowed")
        assert "POST" in answer.headers["allow"].split(", ")


def test_a_request_behind_another_is_a_request_of_its_own(service: Service) -> None:
    first = GET + b"\r\n"
    second = request(service.path, nested(40), headers=service.headers())
    answers, raw = exchange(service.port, first + second)
    clean(raw)
    assert [answer.status for answer in answers] == [200, 422]


def test_languages_and_forms_that_are_no_such_thing_are_ignored(service: Service) -> None:
    for wish in (
        "*",
        "es;q=",
        "es;q=x",
        "es;q=1e309",
        ",,,;;;",
        "e" * 8000,
        "\xff",
        "es;q=0.1,en;q=nan",
    ):
        answer = service.post(b"{}", **{"Accept-Language": wish, "Accept": wish})
        refused(answer, "invalid_input")
        assert answer.headers["content-language"] in {"en", "es"}


# -- one service each -----------------------------------------------------------------------------------


@pytest.mark.parametrize("key", ["", " ", "a" * 256, "\xf1", "a\tb"])
def test_a_key_of_a_request_is_one_to_255_plain_characters(target: Targets, key: str) -> None:
    node = Service(target("node"), POSTS["node"])
    before = node.rows()
    body = json.dumps(node.example()).encode()
    refused(node.post(body, **{"Idempotency-Key": key}), "idempotency_key_required")
    assert node.rows() == before


@pytest.mark.parametrize(
    "form",
    [
        b"", b"&&&", b"=", b"%", b"%zz=%zz", b"\xff\xfe=\x00", b"grant_type", b"grant_type=" + b"a" * 60_000,
        b"grant_type=client_credentials", b"grant_type=password&username=a&password=" + SECRET.encode(),
        b"grant_type=client_credentials&grant_type=client_credentials", b"a=1&" * 5000,
        b"grant_type=client_credentials&client_id=a&client_secret=" + SECRET.encode(),
        b"grant_type=client_credentials&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-"
        b"type%3Ajwt-bearer&client_assertion=" + SECRET.encode(),
    ],
    ids=lambda value: value[:30].decode("ascii", "replace"),
)  # fmt: skip
def test_a_token_is_not_given_for_a_bad_form(target: Targets, form: bytes) -> None:
    auth = Service(target("auth"), "/oauth/token")
    before = auth.rows()
    answer = auth.only(request("/oauth/token", form, headers=FORM))
    assert answer.status == 400, answer
    assert answer.headers["content-type"] == "application/json"
    assert set(answer.json()) == {"error", "error_description"}
    assert answer.headers["cache-control"] == "no-store"
    assert auth.rows() == before


def test_a_batch_that_is_no_batch_is_refused_whole(target: Targets) -> None:
    for service in (
        Service(target("gateway"), "/v1/messages"),
        Service(target("node"), "/v1/inbox"),
    ):
        before = service.rows()
        refused(
            service.post(b""), "malformed_json" if service.name == "gateway" else "invalid_input"
        )
        for wrong in (
            {"envelopes": [1]},
            {"envelopes": SECRET},
            {"envelopes": [[SECRET]]},
            {"x": 1},
        ):
            refused(service.post(json.dumps(wrong).encode()), "invalid_input")
        many = json.dumps({"envelopes": [SECRET] * 101}).encode()
        refused(service.post(many), "invalid_input")
        long = json.dumps({"envelopes": ["a" * (256 * 1024 + 1)]}).encode()
        refused(service.post(long), "invalid_input")
        over = service.only(
            request(service.path, headers=service.headers(), length=3 * 1024 * 1024)
        )
        refused(over, "body_too_large")
        rubbish = {"envelopes": [SECRET, "a.b.c", "..", "eyJhbGciOiJub25lIn0.e30.", "a" * 10_000]}
        answer = service.post(json.dumps(rubbish).encode())
        assert answer.status == 200
        assert {item["result"] for item in answer.json()["answers"]} == {"refused"}
        assert service.rows() == before

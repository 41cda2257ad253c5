import contextlib
import socket
import time
from collections.abc import Iterator

import pytest

from relevo.servicekit import http_protocol
from relevo.servicekit.application import new_application
from relevo.servicekit.http_protocol import MAX_HEAD_BYTES
from tests.support.serving import HOST, served

REQUEST = b"GET /livez HTTP/1.1\r\nHost: node.example\r\n"
LAST = b"Connection: close\r\n\r\n"


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    app = new_application(title="N", version="1", summary="T.", checks={})

    @app.post("/length")
    async def post_length(text: str = "") -> int:
        return len(text)

    with served(app) as found:
        yield found


def told(port: int, *pieces: bytes, pause: float = 0.01) -> bytes:
    """All that is answered, until the service closes the connection."""
    found = b""
    with socket.create_connection((HOST, port), timeout=10) as connection:
        # Whoever is refused while he still speaks is cut off; what was said before is there to read.
        with contextlib.suppress(ConnectionError):
            for piece in pieces:
                connection.sendall(piece)
                time.sleep(pause)
        with contextlib.suppress(ConnectionError):
            while got := connection.recv(65536):
                found += got
    return found


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


def test_a_head_within_the_bounds_is_read_however_it_arrives(port: int) -> None:
    head = REQUEST + b"X-A: " + b"a" * (MAX_HEAD_BYTES - 200) + b"\r\n" + LAST
    assert status(told(port, head)) == 200
    third = len(head) // 3
    assert status(told(port, head[:third], head[third : 2 * third], head[2 * third :])) == 200


@pytest.mark.parametrize(
    "head",
    [
        pytest.param(REQUEST + b"X-A: " + b"a" * MAX_HEAD_BYTES + b"\r\n", id="one long field"),
        pytest.param(REQUEST + b"X-A: a\r\n" * (MAX_HEAD_BYTES // 7), id="many fields"),
        pytest.param(
            b"GET /" + b"a" * MAX_HEAD_BYTES + b" HTTP/1.1\r\nHost: x\r\n", id="a long path"
        ),
    ],
)
def test_a_head_that_is_too_large_is_refused(port: int, head: bytes) -> None:
    whole = told(port, head + LAST)
    assert status(whole) == 431
    assert b"connection: close" in whole
    pieces = [head[start : start + 5000] for start in range(0, len(head), 5000)]
    assert status(told(port, *pieces, LAST)) == 431


def test_a_head_without_end_is_refused_before_it_fills_the_memory(port: int) -> None:
    piece = b"a" * 60_000
    assert status(told(port, REQUEST + b"X-A: ", *[piece] * 20)) == 431


def test_a_head_that_does_not_end_is_given_up(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_protocol, "HEAD_SECONDS", 0.3)
    assert status(told(port, REQUEST)) == 408
    assert status(told(port)) == 408
    # One byte now and then does not make it any longer.
    begun = time.monotonic()
    told(port, *[bytes([byte]) for byte in REQUEST], pause=0.05)
    assert time.monotonic() - begun < 0.05 * len(REQUEST)
    after_another = told(port, REQUEST + b"\r\n", REQUEST)
    assert after_another.count(b"HTTP/1.1 200") == 1
    assert after_another.count(b"HTTP/1.1 408") == 1


def test_what_follows_a_body_is_a_head_of_its_own(port: int) -> None:
    post = b"POST /length HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    body = b'"' + b"a" * 200_000 + b'"'
    request = post + b"Content-Length: %d\r\n\r\n" % len(body) + body
    answers = told(port, request + request[:40], request[40:] + REQUEST + LAST)
    assert answers.count(b"HTTP/1.1 200") == 3


@pytest.mark.parametrize("hosts", [b"", b"Host: a\r\nHost: b\r\n"])
def test_a_request_names_one_host(port: int, hosts: bytes) -> None:
    assert status(told(port, b"GET /livez HTTP/1.1\r\n" + hosts + LAST)) == 400


def test_a_wish_for_another_protocol_is_not_heard(
    port: int, caplog: pytest.LogCaptureFixture
) -> None:
    upgrade = b"Connection: Upgrade, close\r\nUpgrade: websocket\r\n\r\n"
    assert status(told(port, REQUEST + upgrade)) == 200
    assert not caplog.records

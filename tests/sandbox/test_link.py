import contextlib
import socket
import threading
from collections.abc import Iterator

import pytest

from relevo.sandbox.link import Link


@pytest.fixture
def echo_port() -> Iterator[int]:
    server = socket.create_server(("127.0.0.1", 0))

    def answer() -> None:
        while True:
            try:
                caller, _ = server.accept()
            except OSError:
                return
            with caller, contextlib.suppress(ConnectionResetError):
                while data := caller.recv(1024):
                    caller.sendall(data.upper())

    thread = threading.Thread(target=answer, daemon=True)
    thread.start()
    yield server.getsockname()[1]
    server.shutdown(socket.SHUT_RDWR)
    server.close()
    thread.join(5)


def say(port: int, words: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=5) as line:
        line.sendall(words)
        return line.recv(1024)


def test_a_link_carries_bytes_both_ways_and_remembers_them(echo_port: int) -> None:
    with Link() as link:
        assert say(link.forward(echo_port), b"hola") == b"HOLA"
        assert link.tapped() == b"holaHOLA"


def test_a_link_that_is_down_breaks_off_and_resets_until_it_is_up_again(echo_port: int) -> None:
    with Link() as link:
        port = link.forward(echo_port)
        with socket.create_connection(("127.0.0.1", port), timeout=5) as line:
            line.sendall(b"hola")
            assert line.recv(1024) == b"HOLA"
            link.take_down()
            with pytest.raises(ConnectionResetError):
                line.recv(1024)
        with pytest.raises((ConnectionResetError, BrokenPipeError)):
            say(port, b"nadie")
        link.bring_up()
        assert say(port, b"otra vez") == b"OTRA VEZ"


def test_a_link_to_nobody_resets() -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    with Link() as link, pytest.raises((ConnectionResetError, BrokenPipeError)):
        say(link.forward(port), b"nadie")


def test_a_link_can_be_closed_twice() -> None:
    link = Link()
    link.close()
    link.close()

"""An institution's own system that is told of events: checks each signature, then remembers the ids.

Signatures are those of Standard Webhooks, checked with that project's own library, so a system that
follows the same specification can do the same.
"""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Final, Self

from standardwebhooks.webhooks import Webhook, WebhookVerificationError
from typing_extensions import override

_LONGEST_BODY: Final = 64 * 1024


class WebhookReceiver:
    """Listens on a free port of this machine; `calls` are those whose signature held."""

    def __init__(self) -> None:
        self.secret: str | None = None
        self.calls: list[dict[str, Any]] = []
        self.refused = 0
        self._arrived = threading.Condition()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True
        )
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/relevo-events"

    def wait_for(self, subject: str, type_: str, *, seconds: float = 20) -> dict[str, Any]:
        """The first call about this subject of this type.

        Raises:
            TimeoutError: None came in time.
        """
        deadline = time.monotonic() + seconds
        with self._arrived:
            while True:
                for call in self.calls:
                    if call.get("subject") == subject and str(call.get("type")).endswith(type_):
                        return call
                if not self._arrived.wait(deadline - time.monotonic()):
                    raise TimeoutError(f"no webhook call of type {type_}")

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _take(self, body: bytes, headers: dict[str, str]) -> bool:
        if self.secret is None or not _is_signed(self.secret, body, headers):
            with self._arrived:
                self.refused += 1
            return False
        event = json.loads(body)
        with self._arrived:
            self.calls.append(event)
            self._arrived.notify_all()
        return True

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = min(int(self.headers.get("content-length", "0")), _LONGEST_BODY)
                names = {name.lower(): value for name, value in self.headers.items()}
                held = receiver._take(self.rfile.read(length), names)
                self.send_response(204 if held else 401)
                self.send_header("content-length", "0")
                self.end_headers()

            @override
            def log_message(self, format: str, *args: Any) -> None:
                pass

        return Handler


def _is_signed(secret: str, body: bytes, headers: dict[str, str]) -> bool:
    try:
        Webhook(secret).verify(body, headers)
    except WebhookVerificationError:
        return False
    return True

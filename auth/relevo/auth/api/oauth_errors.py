"""OAuth endpoints answer refusals in the form of RFC 6749 §5.2, never to be cached."""

from typing import Any, Final, cast

from fastapi import Request
from starlette.responses import Response

from relevo.auth.domain.oauth_error import OAuthError, OAuthErrorBody

NO_STORE: Final = {"cache-control": "no-store", "pragma": "no-cache"}


async def answer_oauth_error(request: Request, error: Exception) -> Response:
    """The exception handler for `OAuthError`."""
    refusal = cast("OAuthError", error)
    request.scope.setdefault("state", {})["problem"] = refusal.body.error
    return Response(
        refusal.body.model_dump_json(),
        status_code=refusal.status,
        headers=NO_STORE,
        media_type="application/json",
    )


def oauth_error_responses(**examples: str) -> dict[int | str, dict[str, Any]]:
    """The `responses=` entry of an OAuth endpoint: each error it answers, with a description."""
    return {
        400: {
            "description": "Refused (RFC 6749 §5.2): "
            + ", ".join(f"`{code}`" for code in examples)
            + ".",
            "model": OAuthErrorBody,
            "content": {
                "application/json": {
                    "examples": {
                        code: {"value": {"error": code, "error_description": text}}
                        for code, text in examples.items()
                    }
                }
            },
        }
    }

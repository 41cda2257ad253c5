"""A consular officer asks what became of a referral, and a month later how she is.

    python consulate_asks.py MX-3G9230VQVSQ
    python consulate_asks.py MX-3G9230VQVSQ --follow-up 28 35   # from day 28 to day 35 from now
    python consulate_asks.py --answers

Node, client and key: RELEVO_CLIENT_PROFILE=officer.toml
"""

import sys
from datetime import UTC, datetime, timedelta

from relevo.client.exceptions import NotFoundError, RelevoProblemError
from relevo.client.relevo import Relevo


def ask_state(relevo: Relevo, code: str) -> None:
    status = relevo.status.ask(code)
    print(f"{status.reference_code}: {status.state} desde {status.since:%Y-%m-%d %H:%M} UTC")


def ask_how_she_is(relevo: Relevo, code: str, first: int, last: int) -> None:
    """Asked of the institution that received her, which tries to reach her as she said it may."""
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    asked = relevo.follow_ups.request(
        code,
        today + timedelta(days=first),
        today + timedelta(days=last),
        # Run twice on one day, it is asked once.
        key=f"{code}-{first}-{last}-{today:%Y-%m-%d}",
    )
    print(f"{asked.reference_code}: lo hará {asked.holder}")


def read_answers(relevo: Relevo) -> None:
    for follow_up in relevo.follow_ups.find(role="asker"):
        known = relevo.follow_ups.get(follow_up.id)
        found = known.result.situation if known.result else "nada más que eso"
        print(f"{known.reference_code}: {known.state}, {found}")


def main() -> int:
    with Relevo(language="es") as relevo:
        try:
            match sys.argv[1:]:
                case ["--answers"]:
                    read_answers(relevo)
                case [code, "--follow-up", first, last]:
                    ask_how_she_is(relevo, code, int(first), int(last))
                case [code]:
                    ask_state(relevo, code)
                case _:
                    print(__doc__)
                    return 2
        except ValueError as error:
            print(f"Revise el código: {error}.")
        except NotFoundError as refused:
            # The same for a code that does not exist and a person who did not name the consulate.
            print(refused)
        except RelevoProblemError as refused:
            print(f"No se pudo: {refused}")
        else:
            return 0
    return 1


if __name__ == "__main__":
    sys.exit(main())

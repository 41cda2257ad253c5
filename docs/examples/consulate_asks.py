"""A consular officer asks what became of a referral, by the code that its person carries.

    python consulate_asks.py MX-3G9230VQVSQ

Node, client and key: RELEVO_CLIENT_PROFILE=officer.toml
"""

import sys

from relevo.client.exceptions import NotFoundError
from relevo.client.relevo import Relevo


def main() -> int:
    with Relevo(language="es") as relevo:
        try:
            status = relevo.status.ask(sys.argv[1])
        except ValueError as error:
            print(f"Revise el código: {error}.")
        except NotFoundError as refused:
            # The same for a code that does not exist and a person who did not name the consulate.
            print(refused)
        else:
            print(
                f"{status.reference_code}: {status.state} desde {status.since:%Y-%m-%d %H:%M} UTC"
            )
            return 0
    return 1


if __name__ == "__main__":
    sys.exit(main())

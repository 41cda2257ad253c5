"""Which tests run in the same process when there are several.

A federation of processes takes seconds to start, so the network tests of one database stay together.
Every other test goes wherever there is room.
"""

import re
from typing import Final

from typing_extensions import override
from xdist.scheduler import LoadScopeScheduling

_NETWORK: Final = re.compile(r"(?:^|/)tests/network/|^network/")
_DATABASE: Final = re.compile(r"\[(sqlite|postgresql)\b")


class NetworksTogether(LoadScopeScheduling):
    """Largest groups first: both networks begin at once, each in a process of its own."""

    @override
    def _split_scope(self, nodeid: str) -> str:
        database = _DATABASE.search(nodeid)
        if database is not None and _NETWORK.search(nodeid):
            return f"network on {database[1]}"
        return nodeid

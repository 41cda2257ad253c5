"""Ways in which a person may be reached."""

from typing import Final, Literal, get_args

Channel = Literal["call", "sms", "whatsapp", "signal", "email", "visit", "post"]
CHANNELS: Final[tuple[Channel, ...]] = get_args(Channel)
BY_NUMBER: Final[frozenset[Channel]] = frozenset({"call", "sms", "whatsapp", "signal"})

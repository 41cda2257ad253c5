"""All message types by what the envelope carries."""

from typing import Final

from .consent_withdrawn import CONSENT_WITHDRAWN
from .counter_referral import COUNTER_REFERRAL
from .kind import MessageType
from .message_inapplicable import MESSAGE_INAPPLICABLE
from .referral_state import REFERRAL_STATE
from .referral_submitted import REFERRAL_SUBMITTED
from .withdrawal_answered import WITHDRAWAL_ANSWERED

MESSAGE_TYPES: Final[dict[str, MessageType]] = {
    kind.id: kind
    for kind in (
        REFERRAL_SUBMITTED,
        REFERRAL_STATE,
        COUNTER_REFERRAL,
        CONSENT_WITHDRAWN,
        WITHDRAWAL_ANSWERED,
        MESSAGE_INAPPLICABLE,
    )
}

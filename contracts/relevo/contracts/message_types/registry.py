"""All message types by what the envelope carries."""

from typing import Final

from .cancel_requested import CANCEL_REQUESTED
from .consent_renewed import CONSENT_RENEWED
from .consent_withdrawn import CONSENT_WITHDRAWN
from .counter_referral import COUNTER_REFERRAL
from .follow_up_requested import FOLLOW_UP_REQUESTED
from .follow_up_result import FOLLOW_UP_RESULT
from .follow_up_state import FOLLOW_UP_STATE
from .information_supplied import INFORMATION_SUPPLIED
from .kind import MessageType
from .message_inapplicable import MESSAGE_INAPPLICABLE
from .redirect_followed import REDIRECT_FOLLOWED
from .referral_reviewed import REFERRAL_REVIEWED
from .referral_state import REFERRAL_STATE
from .referral_submitted import REFERRAL_SUBMITTED
from .withdrawal_answered import WITHDRAWAL_ANSWERED

MESSAGE_TYPES: Final[dict[str, MessageType]] = {
    kind.id: kind
    for kind in (
        REFERRAL_SUBMITTED,
        REFERRAL_STATE,
        INFORMATION_SUPPLIED,
        CANCEL_REQUESTED,
        REDIRECT_FOLLOWED,
        REFERRAL_REVIEWED,
        COUNTER_REFERRAL,
        CONSENT_RENEWED,
        CONSENT_WITHDRAWN,
        WITHDRAWAL_ANSWERED,
        MESSAGE_INAPPLICABLE,
        FOLLOW_UP_REQUESTED,
        FOLLOW_UP_STATE,
        FOLLOW_UP_RESULT,
    )
}

"""A shelter's case system refers somebody, and later reads what became of those it referred.

    python shelter_submits.py case-1204.json     # {"case": …, "consent": {…}, "referral": {…}}
    python shelter_submits.py --answers
    python shelter_submits.py --supply ID information.json      # what the receiver asked for
    python shelter_submits.py --cancel ID declined_by_person

Node, client and key are said by a profile: RELEVO_CLIENT_PROFILE=cases.toml
"""

import json
import sys
from pathlib import Path
from typing import Any

from relevo.client.exceptions import (
    InvalidInputError,
    RefusedByConsentError,
    UnavailableError,
)
from relevo.client.relevo import Relevo


def refer(relevo: Relevo, case: dict[str, Any]) -> str:
    """Records what she allowed and refers her. Safe to run again: the case's number is the key."""
    number = case["case"]
    consent = relevo.consents.record(case["consent"], key=f"{number}-consent")
    referral = {**case["referral"], "consent_ids": [consent.id], "local_reference": number}
    stored = relevo.referrals.submit(referral, key=f"{number}-referral")
    if stored.withheld:
        print(f"Not sent, for she did not allow it or nobody needs it: {stored.withheld}")
    return stored.reference_code


def read_answers(relevo: Relevo) -> None:
    """Prints what is asked, and each outcome once; then says that it was read."""
    for asking in relevo.referrals.find(role="sender", state="info_requested"):
        for question in relevo.referrals.history(asking.id)[-1].questions:
            print(f"{asking.id}: {question.category}: {question.text}")
    for state in ("completed", "failed", "rejected"):
        for referral in relevo.referrals.find(role="sender", state=state):
            whole = relevo.referrals.get(referral.id)
            outcome = whole.counter_referral
            print(f"{whole.local_reference}: {state}")
            if outcome is not None:
                needs = [need.service for need in outcome.remaining_needs]
                print(f"  {outcome.outcome}, still needed: {needs or 'nothing'}")
            relevo.referrals.close(referral.id)


def main() -> int:
    with Relevo() as relevo:
        try:
            match sys.argv[1:]:
                case ["--answers"]:
                    read_answers(relevo)
                case ["--supply", referral_id, file]:
                    answer = json.loads(Path(file).read_text("utf-8"))
                    relevo.referrals.supply(referral_id, answer, key=f"{referral_id}-{file}")
                case ["--cancel", referral_id, reason]:
                    asked = relevo.referrals.cancel(referral_id, reason)
                    print(f"{asked.local_reference}: {asked.state}, and asked to stop")
                case [file]:
                    case = json.loads(Path(file).read_text("utf-8"))
                    print(f"For her to carry: {refer(relevo, case)}")
                case _:
                    print(__doc__)
                    return 2
        except RefusedByConsentError as refused:
            print(f"She did not allow this, so nothing was sent. {refused}")
        except InvalidInputError as refused:
            for place in refused.errors:
                print(f"{place.pointer}: {place.detail}")
        except UnavailableError as failed:
            print(f"{failed} Run this again: nothing happens twice.")
        else:
            return 0
    return 1


if __name__ == "__main__":
    sys.exit(main())

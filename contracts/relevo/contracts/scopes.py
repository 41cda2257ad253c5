"""What a token may do, `resource:action`. A scope is never enough: the resource must be the caller's."""

from enum import StrEnum


class Scope(StrEnum):
    """Every scope of the network (RFC 6749 §3.3). Deny by default: a client lists those it needs."""

    RETURNEES_WRITE = "returnees:write"
    RETURNEES_READ = "returnees:read"
    REFERRALS_SUBMIT = "referrals:submit"
    REFERRALS_READ = "referrals:read"
    REFERRALS_RESPOND = "referrals:respond"
    REFERRALS_STATUS = "referrals:status"
    FOLLOW_UPS_REQUEST = "follow_ups:request"
    FOLLOW_UPS_RESPOND = "follow_ups:respond"
    FOLLOW_UPS_READ = "follow_ups:read"
    CONSENTS_WRITE = "consents:write"
    CONSENTS_READ = "consents:read"
    DIRECTORY_READ = "directory:read"
    DIRECTORY_WRITE = "directory:write"
    HANDOVERS_SUBMIT = "handovers:submit"
    BREAK_GLASS_OPEN = "break_glass:open"
    BREAK_GLASS_REVIEW = "break_glass:review"
    ACCESS_LOG_READ = "access_log:read"
    ATTESTATIONS_ISSUE = "attestations:issue"
    ATTESTATIONS_READ = "attestations:read"
    STATISTICS_READ = "statistics:read"
    COORDINATION_READ = "coordination:read"
    EVENTS_READ = "events:read"
    MESSAGES_SEND = "messages:send"
    MESSAGES_RECEIVE = "messages:receive"
    MESSAGES_DELIVER = "messages:deliver"
    FEDERATION_RELAY = "federation:relay"
    LEDGER_READ = "ledger:read"
    POLICIES_ADMIN = "policies:admin"
    CLIENTS_ADMIN = "clients:admin"
    DELIVERIES_ADMIN = "deliveries:admin"


SCOPE_DESCRIPTIONS: dict[Scope, str] = {
    Scope.RETURNEES_WRITE: "Post and change returnee records.",
    Scope.RETURNEES_READ: "Read the institution's returnee records.",
    Scope.REFERRALS_SUBMIT: "Submit referrals and close one's own.",
    Scope.REFERRALS_READ: "Read referrals that the institution sent or received.",
    Scope.REFERRALS_RESPOND: "Acknowledge, accept, reject and complete received referrals.",
    Scope.REFERRALS_STATUS: "Ask a referral's state by reference code.",
    Scope.FOLLOW_UPS_REQUEST: "Ask for follow-up after return.",
    Scope.FOLLOW_UPS_RESPOND: "Carry out follow-up and report.",
    Scope.FOLLOW_UPS_READ: "Read follow-ups that the institution asked for or carries out.",
    Scope.CONSENTS_WRITE: "Record and withdraw consent.",
    Scope.CONSENTS_READ: "Read the institution's consent records.",
    Scope.DIRECTORY_READ: "Read the directory of institutions.",
    Scope.DIRECTORY_WRITE: "Change directory entries, confirm identity keys.",
    Scope.HANDOVERS_SUBMIT: "Record that a person was brought; reads nothing back.",
    Scope.BREAK_GLASS_OPEN: "Open another unit's referral in an emergency, to be reviewed afterwards.",
    Scope.BREAK_GLASS_REVIEW: "Review what was opened in an emergency, also for another institution.",
    Scope.ACCESS_LOG_READ: "Read who read which record when.",
    Scope.ATTESTATIONS_ISSUE: "Attest to a person what a record shows, and revoke it.",
    Scope.ATTESTATIONS_READ: "Read and print attestations with what their holders choose to show.",
    Scope.STATISTICS_READ: "Read figures that name nobody, of periods that are over.",
    Scope.COORDINATION_READ: "Read figures of the routes that the institution watches for a coordination table.",
    Scope.EVENTS_READ: "Read the event feed and manage webhooks.",
    Scope.MESSAGES_SEND: "Hand envelopes to the gateway (nodes).",
    Scope.MESSAGES_RECEIVE: "Lease and acknowledge a mailbox (nodes).",
    Scope.MESSAGES_DELIVER: "Deliver envelopes to a node (gateways).",
    Scope.FEDERATION_RELAY: "Relay envelopes between countries (gateways).",
    Scope.LEDGER_READ: "Read ledger checkpoints and proofs.",
    Scope.POLICIES_ADMIN: "Approve and suspend institutions, change policy.",
    Scope.CLIENTS_ADMIN: "Register, suspend and change clients of the issuer.",
    Scope.DELIVERIES_ADMIN: "Work at the desk of undelivered messages.",
}

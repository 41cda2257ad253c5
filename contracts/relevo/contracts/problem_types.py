"""Every problem that any service can answer, documented in `docs/problems.md` from this table.

`members` are the extension members a problem of the type carries beside those of RFC 9457; its
detail may quote them, so they never hold personal data.
"""

from dataclasses import dataclass
from typing import Final, Literal

PROBLEM_BASE: Final = "https://relevo.example/problems/"

Side = Literal["sender", "gateway", "receiver"]
"""Whose side failed. `sender` is whoever made the request."""


@dataclass(frozen=True)
class ProblemType:
    """One documented kind of refusal."""

    name: str
    status: int
    side: Side
    title: dict[str, str]
    detail: dict[str, str]
    members: tuple[str, ...] = ()

    @property
    def uri(self) -> str:
        """The `type` of RFC 9457."""
        return PROBLEM_BASE + self.name


_Row = tuple[str, int, Side, tuple[str, str], tuple[str, str], tuple[str, ...]]
"""Name, status, side, title in English and Spanish, detail in both, members."""

_TABLE: Final[tuple[_Row, ...]] = (
    # -- the request itself ---------------------------------------------------------------------
    ("invalid_input", 422, "sender",
     ("The request does not fit the contract", "La solicitud no cumple el contrato"),
     ("See `errors`: each names a place in the body and what is wrong there.",
      "Vea `errors`: cada uno señala un lugar del contenido y lo que está mal."), ()),
    ("malformed_json", 400, "sender",
     ("The body is not JSON", "El contenido no es JSON"),
     ("The body could not be read as JSON in UTF-8.", "No se pudo leer el contenido como JSON en UTF-8."), ()),
    ("too_deep", 422, "sender",
     ("The body is nested too deeply", "El contenido tiene demasiados niveles"),
     ("At most {limit} levels of nesting are read.", "Se leen como máximo {limit} niveles."), ("limit",)),
    ("body_too_large", 413, "sender",
     ("The body is too large", "El contenido es demasiado grande"),
     ("At most {limit} bytes are accepted here.", "Aquí se aceptan como máximo {limit} bytes."), ("limit",)),
    ("unsupported_media_type", 415, "sender",
     ("This content type is not understood", "Este tipo de contenido no se entiende"),
     ("Send {expected}.", "Envíe {expected}."), ("expected",)),
    ("not_acceptable", 406, "sender",
     ("No acceptable form", "No hay una forma aceptable"),
     ("Ask for {expected}.", "Pida {expected}."), ("expected",)),
    ("method_not_allowed", 405, "sender",
     ("This method is not offered here", "Este método no se ofrece aquí"),
     ("The `Allow` header lists what is.", "El encabezado `Allow` indica los métodos que sí se ofrecen."), ()),
    ("bad_request", 400, "sender",
     ("The request could not be read", "No se pudo leer la solicitud"),
     ("The request is not valid HTTP for this service.", "La solicitud no es HTTP válido para este servicio."), ()),
    ("not_found", 404, "sender",
     ("Not found", "No se encontró"),
     ("There is nothing here that you may see.", "Aquí no hay nada que usted pueda ver."), ()),
    ("too_many_requests", 429, "sender",
     ("Too many requests", "Demasiadas solicitudes"),
     ("Wait {retry_after_seconds} seconds and try again.",
      "Espere {retry_after_seconds} segundos e intente de nuevo."), ("retry_after_seconds",)),
    # -- who asks -------------------------------------------------------------------------------
    ("invalid_token", 401, "sender",
     ("No valid access token", "Falta un token de acceso válido"),
     ("The access token is missing, expired, revoked or not meant for this service.",
      "El token de acceso falta, venció, fue revocado o no es para este servicio."), ()),
    ("invalid_dpop_proof", 401, "sender",
     ("No valid DPoP proof", "Falta una prueba DPoP válida"),
     ("The DPoP proof (RFC 9449) is missing, stale, reused or does not fit. Server time: {server_time}.",
      "La prueba DPoP (RFC 9449) falta, venció, se reutilizó o no corresponde. Hora del servidor: {server_time}."),
     ("server_time",)),
    ("insufficient_scope", 403, "sender",
     ("The token lacks a scope", "Al token le falta un permiso"),
     ("This needs the scope {scope}.", "Se necesita el permiso (scope) {scope}."), ("scope",)),
    ("not_yours", 403, "sender",
     ("This client may not act for that institution", "Este cliente no puede actuar por esa institución"),
     ("The token belongs to another institution than the one named.",
      "El token pertenece a otra institución que la indicada."), ()),
    # -- idempotency (draft-ietf-httpapi-idempotency-key-header) -----------------------------------
    ("idempotency_key_required", 400, "sender",
     ("An Idempotency-Key is required", "Se requiere Idempotency-Key"),
     ("Send a header `Idempotency-Key` of 1 to 255 printable characters, new for each new request.",
      "Envíe un encabezado `Idempotency-Key` de 1 a 255 caracteres, nuevo para cada solicitud nueva."), ()),
    ("idempotency_key_reused", 422, "sender",
     ("This Idempotency-Key was used for another request", "Esta Idempotency-Key se usó para otra solicitud"),
     ("The same key came before with another body. Nothing was done.",
      "La misma clave llegó antes con otro contenido. No se hizo nada."), ()),
    ("idempotency_key_in_flight", 409, "sender",
     ("The first request with this key is still running", "La primera solicitud con esta clave sigue en curso"),
     ("Wait and send it again.", "Espere y envíela de nuevo."), ()),
    # -- lifecycles -----------------------------------------------------------------------------
    ("illegal_transition", 409, "sender",
     ("This step is not possible now", "Este paso no es posible ahora"),
     ("A {subject} cannot go from {from_state} to {to_state}.",
      "No se puede pasar de {from_state} a {to_state} ({subject})."), ("subject", "from_state", "to_state")),
    ("not_your_step", 409, "sender",
     ("The other institution takes this step", "Este paso lo da la otra institución"),
     ("From {from_state} to {to_state} is for the {actor} to say.",
      "De {from_state} a {to_state} lo decide: {actor}."), ("from_state", "to_state", "actor")),
    ("reason_required", 422, "sender",
     ("A reason is required", "Se requiere un motivo"),
     ("{to_state} needs a reason code.", "{to_state} necesita un código de motivo."), ("to_state",)),
    # -- consent --------------------------------------------------------------------------------
    ("consent_missing", 403, "sender",
     ("No consent", "Sin consentimiento"),
     ("No consent is named, and no other lawful basis.", "No se indica un consentimiento ni otra base legal."), ()),
    ("consent_not_active", 403, "sender",
     ("The consent is not in force", "El consentimiento no está vigente"),
     ("The consent is {consent_state}.", "El estado del consentimiento es: {consent_state}."), ("consent_state",)),
    ("consent_does_not_cover_receiver", 403, "sender",
     ("The consent does not cover this receiver", "El consentimiento no cubre a esta institución"),
     ("The person did not name {receiver}.", "La persona no nombró a {receiver}."), ("receiver",)),
    ("receiver_denied_by_person", 403, "sender",
     ("The person said no to this receiver", "La persona no quiere que esta institución lo sepa"),
     ("The consent denies {receiver}.", "El consentimiento excluye a {receiver}."), ("receiver",)),
    ("consent_does_not_cover_category", 403, "sender",
     ("The consent does not cover this kind of data", "El consentimiento no cubre este tipo de datos"),
     ("Not covered: {categories}. Leave them out of `share`, or ask the person.",
      "No cubierto: {categories}. Quítelos de `share` o pregunte a la persona."), ("categories",)),
    ("consent_does_not_cover_purpose", 403, "sender",
     ("The consent does not cover this purpose", "El consentimiento no cubre esta finalidad"),
     ("Not covered: {purpose}.", "No cubierta: {purpose}."), ("purpose",)),
    ("consent_does_not_cover_date", 403, "sender",
     ("The consent is not valid on this date", "El consentimiento no es válido en esta fecha"),
     ("It is valid from {valid_from} until {valid_until}.",
      "Es válido del {valid_from} al {valid_until}."), ("valid_from", "valid_until")),
    ("country_of_origin_excluded", 403, "sender",
     ("A country of nationality must not learn of this", "El país de nacionalidad no debe saberlo"),
     ("{receiver} belongs to a country of nationality, and no grant names it with the warning given.",
      "{receiver} es del país de nacionalidad y ningún consentimiento la nombra con la advertencia hecha."),
     ("receiver",)),
    ("basis_not_allowed", 403, "sender",
     ("This lawful basis is not allowed here", "Esta base legal no se permite aquí"),
     ("{basis} is not a basis of {pathway}, or its law is not named.",
      "{basis} no es una base de {pathway}, o no se nombra la ley."), ("basis", "pathway")),
    # -- whom it is for ---------------------------------------------------------------------------
    ("receiver_unknown", 422, "sender",
     ("No such receiver", "No existe esa institución receptora"),
     ("{receiver} is not in the directory.", "{receiver} no está en el directorio."), ("receiver",)),
    ("receiver_not_active", 403, "receiver",
     ("The receiver takes no messages now", "La institución receptora no recibe mensajes ahora"),
     ("{receiver} is {state} in the directory.", "{receiver} está en el directorio como: {state}."),
     ("receiver", "state")),
    ("sender_not_active", 403, "sender",
     ("The sender may not send now", "La institución que envía no puede enviar ahora"),
     ("{sender} is {state} in the directory.", "{sender} está en el directorio como: {state}."), ("sender", "state")),
    ("receiver_lacks_mandate", 403, "sender",
     ("The receiver has no mandate for this", "La institución receptora no tiene competencia para esto"),
     ("{receiver} holds none of: {mandates}.", "{receiver} no tiene ninguna de: {mandates}."),
     ("receiver", "mandates")),
    ("message_type_not_accepted", 422, "receiver",
     ("The receiver does not accept this kind of message", "La institución receptora no acepta este tipo de mensaje"),
     ("{receiver} does not list {message_type}.", "{receiver} no acepta {message_type}."),
     ("receiver", "message_type")),
    ("key_not_pinned", 403, "receiver",
     ("The receiver's identity key is not confirmed", "La clave de identidad de la institución no está confirmada"),
     ("Confirm the fingerprint of {institution} out of band, then pin it.",
      "Confirme la huella de {institution} por otro medio y regístrela."), ("institution",)),
    ("key_changed", 403, "receiver",
     ("The identity key changed", "La clave de identidad cambió"),
     ("{institution} shows another identity key than the pinned one, not signed by it.",
      "{institution} presenta otra clave de identidad que la registrada, sin firma de la anterior."), ("institution",)),
    ("pathway_unknown", 422, "sender",
     ("No such pathway", "No existe esa ruta"),
     ("{pathway} is not a pathway of this contract.", "{pathway} no es una ruta de este contrato."), ("pathway",)),
    ("pathway_field_required", 422, "sender",
     ("The pathway needs a field that would not arrive", "La ruta necesita un dato que no llegaría"),
     ("Needed by {pathway}: {fields}.", "{pathway} necesita: {fields}."), ("pathway", "fields")),
    ("share_not_in_pathway", 422, "sender",
     ("The pathway does not ask for this", "La ruta no pide estos datos"),
     ("{pathway} never sends: {categories}.", "{pathway} nunca envía: {categories}."), ("pathway", "categories")),
    # -- envelopes --------------------------------------------------------------------------------
    ("envelope_malformed", 422, "sender",
     ("The envelope could not be read", "No se pudo leer el sobre"),
     ("It is not a signed envelope of this contract: {fault}.",
      "No es un sobre firmado de este contrato: {fault}."), ("fault",)),
    ("envelope_signature_invalid", 422, "sender",
     ("The envelope's signature does not verify", "La firma del sobre no es válida"),
     ("No active key of {sender} made this signature.", "Ninguna clave vigente de {sender} hizo esta firma."),
     ("sender",)),
    ("envelope_wrong_audience", 422, "sender",
     ("The envelope is for somebody else", "El sobre es para otra institución"),
     ("Its receiver does not belong here.", "Su destinatario no pertenece aquí."), ()),
    ("envelope_expired", 422, "sender",
     ("The envelope has expired", "El sobre venció"),
     ("It expired at {expired_at}. Server time: {server_time}.",
      "Venció el {expired_at}. Hora del servidor: {server_time}."), ("expired_at", "server_time")),
    ("envelope_from_future", 422, "sender",
     ("The envelope is dated in the future", "El sobre tiene fecha futura"),
     ("It says {issued_at}. Server time: {server_time}. Set the sender's clock.",
      "Dice {issued_at}. Hora del servidor: {server_time}. Corrija el reloj de quien envía."),
     ("issued_at", "server_time")),
    ("envelope_lifetime", 422, "sender",
     ("The envelope lives too long", "El sobre dura demasiado"),
     ("At most {limit_days} days.", "Como máximo {limit_days} días."), ("limit_days",)),
    ("envelope_replayed", 409, "sender",
     ("This message id came before with other bytes", "Este identificador llegó antes con otro contenido"),
     ("A message is sealed once; make a new one with `replaces`.",
      "Un mensaje se sella una sola vez; haga uno nuevo con `replaces`."), ()),
    ("undecryptable", 422, "sender",
     ("The sealed content does not open", "El contenido sellado no se abre"),
     ("It was not sealed for a key that {receiver} holds, or is damaged.",
      "No fue sellado para una clave de {receiver}, o está dañado."), ("receiver",)),
    ("unsupported_version", 422, "sender",
     ("This version of the message type is not understood", "Esta versión del tipo de mensaje no se entiende"),
     ("Not understood: {message_type}.", "No se entiende: {message_type}."), ("message_type",)),
    ("grant_mismatch", 422, "sender",
     ("The content was sealed for another envelope", "El contenido fue sellado para otro sobre"),
     ("Message id, parties or grants inside differ from those outside.",
      "El identificador, las partes o los permisos de adentro difieren de los de afuera."), ()),
    ("grant_invalid", 403, "sender",
     ("A grant slice does not verify", "Un permiso no es válido"),
     ("{fault}.", "{fault}."), ("fault",)),
    ("grant_not_live", 403, "sender",
     ("A grant is no longer in force", "Un permiso ya no está vigente"),
     ("A grant of this message is {grant_state}.", "Un permiso de este mensaje está: {grant_state}."),
     ("grant_state",)),
    ("policy_denied", 403, "gateway",
     ("Policy does not permit this", "La política no lo permite"),
     ("Rule: {rule}.", "Regla: {rule}."), ("rule",)),
    ("no_route", 422, "gateway",
     ("No gateway serves this receiver", "Ninguna pasarela atiende a esa institución"),
     ("No agreement with a gateway for {country}.", "No hay convenio con una pasarela para {country}."), ("country",)),
    ("test_message_refused", 403, "sender",
     ("Test messages are refused here", "Aquí no se aceptan mensajes de prueba"),
     ("The envelope is flagged as a test and this is production, or the other way round.",
      "El sobre está marcado como prueba y esto es producción, o al revés."), ()),
    # -- faults of ours ---------------------------------------------------------------------------
    ("gateway_unreachable", 503, "gateway",
     ("The gateway cannot be reached", "No se puede llegar a la pasarela"),
     ("Nothing was lost. Try again.", "No se perdió nada. Intente de nuevo."), ()),
    ("unavailable", 503, "receiver",
     ("The service cannot do its work now", "El servicio no puede trabajar ahora"),
     ("Nothing was accepted. Try again.", "No se aceptó nada. Intente de nuevo."), ()),
    ("internal_error", 500, "receiver",
     ("A fault of ours", "Una falla nuestra"),
     ("Nothing was accepted. The log of this service has entry {error_id}.",
      "No se aceptó nada. La bitácora de este servicio tiene la entrada {error_id}."), ("error_id",)),
)  # fmt: skip

PROBLEM_TYPES: Final[dict[str, ProblemType]] = {
    name: ProblemType(
        name,
        status,
        side,
        {"en": title[0], "es": title[1]},
        {"en": detail[0], "es": detail[1]},
        members,
    )
    for name, status, side, title, detail, members in _TABLE
}

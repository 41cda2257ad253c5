"""What can go wrong inside the gateway, beside the documented problems.

```
GatewayError
├── RegistrationError       a registration request or a peer's card that nobody should approve
├── RotationError           a signing key that was announced already, or was not
└── MissingKeysError        `relevo gateway init` has not been run
```
"""


class GatewayError(Exception):
    """Its text is for an operator and never holds a person's data."""


class RegistrationError(GatewayError):
    pass


class RotationError(GatewayError):
    pass


class MissingKeysError(GatewayError):
    pass

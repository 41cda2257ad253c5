"""Faults of an issuer's installation; refusals are `OAuthError` and `ProblemError`.

```
InstallationError
└── WrappingKeyError     the file that opens the stored signing keys is absent, open to others, or another one
```
"""


class InstallationError(Exception):
    """The issuer cannot work as it is set up; the text says what to do."""


class WrappingKeyError(InstallationError):
    pass

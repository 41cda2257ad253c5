from tests.openapi.conftest import target

__all__ = ["target"]  # the same services, started no more often than need be

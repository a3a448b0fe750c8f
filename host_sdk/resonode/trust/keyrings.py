"""The system's keyring, if it is one that keeps secrets."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from resonode.errors import StoreError

if TYPE_CHECKING:
    from keyring.backend import KeyringBackend

_SERVICE = "resonode"
# Those that encrypt, and that a user unlocks by logging in. Others keep plain text, or nothing.
_USABLE = {
    "keyring.backends.SecretService",
    "keyring.backends.kwallet",
    "keyring.backends.libsecret",
    "keyring.backends.macOS",
    "keyring.backends.Windows",
}


class Keyring:
    """One keyring. Raises StoreError if it is locked or does not answer."""

    def __init__(self, backend: KeyringBackend) -> None:
        self._backend = backend

    def get(self, account: str) -> str | None:
        """Return a secret, None if there is none."""
        try:
            return self._backend.get_password(_SERVICE, account)
        except Exception as error:  # each backend has errors of its own
            raise self._failed(error) from error

    def set(self, account: str, secret: str) -> None:
        """Keep a secret."""
        try:
            self._backend.set_password(_SERVICE, account, secret)
        except Exception as error:
            raise self._failed(error) from error

    def _failed(self, error: Exception) -> StoreError:
        return StoreError(
            f"The keyring ({self._backend.name}) cannot be used",
            why=str(error) or type(error).__name__,
            next="Unlock it, or keep keys in files: RESONODE_KEYRING=off",
        )


def usable_keyring() -> Keyring | None:
    """Return the keyring to use, None if there is none, or it was turned off."""
    if os.environ.get("RESONODE_KEYRING", "").lower() == "off":
        return None
    try:
        import keyring
    except ImportError:
        return None  # the extra is not installed
    backend: Any = keyring.get_keyring()
    # The chainer asks several in turn, good ones and others: the first good one is taken.
    for one in getattr(backend, "backends", [backend]):
        if type(one).__module__ in _USABLE:
            return Keyring(one)
    return None

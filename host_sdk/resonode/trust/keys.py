"""The keys of this user on this computer.

    host key    X25519; which computer this is, in handshakes
    owner key   Ed25519; signs claims and credentials. Whoever has it owns the nodes.

Each is made when it is first used. A secret is in the system's keyring if there is a usable one
($RESONODE_KEYRING=off: never), else in a file that only its user can read. A file beside the
others tells where: it holds the key, or says that the keyring does.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from resonode import files
from resonode.errors import NodeError, NotTrusted, StoreError
from resonode.trust import home_folder
from resonode_wire.security import FINGERPRINT

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

    from resonode.trust.keyrings import Keyring

    PrivateKey = X25519PrivateKey | Ed25519PrivateKey

_HOST, _OWNER = "host", "owner"
_IN_KEYRING = b"in the keyring\n"
SHORTEST_PASSPHRASE = 12
_ROUNDS = 64  # of bcrypt's key derivation, about 0.3 s


def fingerprint(public: bytes) -> bytes:
    """Return the first 16 bytes of a public key's SHA-256."""
    return hashlib.sha256(public).digest()[:FINGERPRINT]


class Keys:
    """The keys of this user on this computer. Made by `Keys.open`.

    Every property raises StoreError if a key cannot be read or kept, and NotTrusted if others
    could read it.
    """

    def __init__(self, home: Path, keyring: Keyring | None) -> None:
        self.home = home
        self._folder = home / "keys"
        self._keyring = keyring
        self._host: X25519PrivateKey | None = None
        self._owner: Ed25519PrivateKey | None = None

    @classmethod
    def open(cls, home: Path | None = None) -> Keys:
        """Return the keys in `home`, $RESONODE_HOME or the user's data folder."""
        from resonode.trust.keyrings import usable_keyring

        return cls(home_folder(home), usable_keyring())

    # -- the host's key

    @property
    def host_public(self) -> bytes:
        """X25519, 32 bytes."""
        return self._host_key().public_key().public_bytes_raw()

    def host_private_bytes(self) -> bytes:
        """Return the X25519 secret, 32 bytes, for a handshake."""
        return self._host_key().private_bytes_raw()

    def _host_key(self) -> X25519PrivateKey:
        from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

        if self._host is None:
            key = self._load_or_make(_HOST, X25519PrivateKey.generate)
            if not isinstance(key, X25519PrivateKey):
                raise _damaged(self._path(_HOST), "it is no X25519 key")
            self._host = key
        return self._host

    # -- the owner's key

    @property
    def has_owner(self) -> bool:
        """Whether there is an owner key; a viewer's computer was only given credentials."""
        return self._path(_OWNER).exists()

    @property
    def owner_public(self) -> bytes:
        """Ed25519, 32 bytes. Makes the key if there is none: see `has_owner`."""
        return self._owner_key().public_key().public_bytes_raw()

    @property
    def owner_fingerprint(self) -> bytes:
        """The first 16 bytes of the SHA-256 of the owner's public key."""
        return fingerprint(self.owner_public)

    def sign(self, statement: bytes) -> bytes:
        """Return the owner's signature, 64 bytes."""
        return self._owner_key().sign(statement)

    def backup(self, passphrase: str) -> bytes:
        """Return the owner's key, encrypted, in OpenSSH's form.

        Not as PKCS8 or PKCS12: there the library lets a passphrase be tried by 2048 rounds of
        hashing. Here one try is bcrypt's, and a good part of a second.

        Raises:
            NodeError: there is no owner key, or the passphrase is too short.
        """
        from cryptography.hazmat.primitives.serialization import Encoding, PrivateFormat

        if not self.has_owner:
            raise NodeError(
                "There is no owner key to keep",
                why="this computer owns no node",
                next="It is made when the first node is commissioned",
            )
        if len(passphrase) < SHORTEST_PASSPHRASE:
            raise NodeError(
                f"The passphrase has {len(passphrase)} characters",
                why=f"fewer than {SHORTEST_PASSPHRASE} are soon guessed by whoever finds the file",
                next="Take several words",
            )
        encryption = (
            PrivateFormat.OpenSSH.encryption_builder()
            .kdf_rounds(_ROUNDS)
            .build(passphrase.encode())
        )
        return self._owner_key().private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, encryption)

    def restore(self, data: bytes, passphrase: str) -> None:
        """Take the owner's key from a backup.

        Raises:
            NodeError: it is no backup, the passphrase is wrong, or there is another owner key.
        """
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
        from cryptography.hazmat.primitives.serialization import load_ssh_private_key

        try:
            key = load_ssh_private_key(data, passphrase.encode())
        except (ValueError, TypeError, UnsupportedAlgorithm) as error:
            raise NodeError(
                "The backup cannot be read",
                why="the passphrase is wrong, or the file was changed",
                next="Try the passphrase again, or take another copy",
            ) from error
        if not isinstance(key, Ed25519PrivateKey):
            raise NodeError(
                "The backup is of another kind of key", next="Take what keys backup wrote"
            )
        kept = self._load_or_make(_OWNER, lambda: key)
        if kept.private_bytes_raw() != key.private_bytes_raw():
            raise NodeError(
                "This computer has another owner key",
                why="nodes that it commissioned would be lost",
                next="Keep that one first (resonode keys backup), then restore into an empty "
                "folder named by RESONODE_HOME",
            )

    def _owner_key(self) -> Ed25519PrivateKey:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        if self._owner is None:
            key = self._load_or_make(_OWNER, Ed25519PrivateKey.generate)
            if not isinstance(key, Ed25519PrivateKey):
                raise _damaged(self._path(_OWNER), "it is no Ed25519 key")
            self._owner = key
        return self._owner

    # -- keeping

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}.key"

    def _load_or_make(self, name: str, make: Callable[[], PrivateKey]) -> PrivateKey:
        """Return the key that is kept; if there is none, keep what `make` returns."""
        files.make_folder(self._folder, mode=0o700)
        _refuse_if_open_to_others(self._folder, 0o700)
        key = self._load(name)
        if key is None:
            # Two processes may get here at once: the second one finds what the first one made.
            with files.locked(self._path(name)):
                key = self._load(name) or self._make(name, make)
        return key

    def _load(self, name: str) -> PrivateKey | None:
        path = self._path(name)
        content = files.read(path)
        if content is None:
            return None
        _refuse_if_open_to_others(path, files.SECRET)
        if content != _IN_KEYRING:
            return _parse(path, content)
        pem = self._keyring.get(self._account(name)) if self._keyring else None
        if pem is None:
            raise StoreError(
                f"The {name} key is not to be had",
                why="it is in the system's keyring, which is locked, absent or turned off",
                next="Log in where the keyring is, unset RESONODE_KEYRING, and install "
                "'resonode[keyring]'",
            )
        return _parse(path, pem.encode())

    def _make(self, name: str, make: Callable[[], PrivateKey]) -> PrivateKey:
        path = self._path(name)
        if self._keyring is None:
            key = make()
            files.replace(path, _pem(key), files.SECRET)
            return key
        # A key that a power cut left there without the file that says so is taken, not replaced.
        pem = self._keyring.get(self._account(name))
        if pem is None:
            pem = _pem(make()).decode()
            self._keyring.set(self._account(name), pem)
        key = _parse(path, pem.encode())
        files.replace(path, _IN_KEYRING, files.SECRET)
        return key

    def _account(self, name: str) -> str:
        return f"{name} key of {self._folder.resolve()}"


def _pem(key: PrivateKey) -> bytes:
    from cryptography.hazmat.primitives import serialization

    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _parse(path: Path, pem: bytes) -> PrivateKey:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

    try:
        key = serialization.load_pem_private_key(pem, None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise _damaged(path, "it is no key in PEM form") from error
    if not isinstance(key, X25519PrivateKey | Ed25519PrivateKey):
        raise _damaged(path, "it is another kind of key")
    return key


def _damaged(path: Path, why: str) -> StoreError:
    return StoreError(
        f"{path} is damaged",
        why=why,
        next="It is never replaced by itself. Put a copy back, for the owner's key with: "
        "resonode keys restore",
    )


def _refuse_if_open_to_others(path: Path, mode: int) -> None:
    if os.name != "posix":
        return  # Windows: the user's own folder is private by its access list
    found = stat.S_IMODE(path.stat().st_mode)
    if found & 0o077:
        raise NotTrusted(
            f"{path} is open to other users",
            why=f"its mode is {found:o}, so the keys may have been read or changed",
            next=f"If you trust who could, run: chmod {mode:o} {path}",
        )

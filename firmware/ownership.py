# Runs on: MicroPython and CPython
# Whose node this is, and whom the owner keeps out. One small file, changed whole or not at all,
# so that a power cut leaves the old state or the new (flash.py).

from firmware import flash

_VERSION = 1
MAX_DENIED = 32
# The epoch's 32 bits are every later owner's too: nobody can use them up in a node's life.
LONGEST_STEP = 100


class OwnershipError(ValueError):
    pass


class Ownership:
    def __init__(self, path: str) -> None:
        self._path = path
        self.owner: bytes | None = None  # the owner's signing key; None: nobody's yet
        self.epoch = 1  # credentials of less are refused
        self.denied: list = []  # host keys that are kept out, whatever they show
        self.code: str | None = None  # since the last owner let go; None: the label's
        self.label_taken = False  # printed; the node does not tell its code again
        try:
            self._load()
        except (ValueError, TypeError):
            # Fail closed: damaging the file must not free the node. Nobody has this key, so only
            # the button brings it back.
            self.owner = b""

    @property
    def claimed(self) -> bool:
        return self.owner is not None

    def take_label(self) -> None:
        self._keep(self.owner, self.epoch, self.denied, self.code, True)

    def claim(self, owner: bytes) -> None:
        # The code has done its work; a label nobody took need not be told any more.
        self._keep(bytes(owner), self.epoch, [], None, True)

    def revoke(self, epoch: int, deny: list) -> None:
        # Denied keys stay denied in a higher epoch: a credential may have been issued for a later
        # one already, since it may be for nodes of which some are further.
        if epoch < self.epoch:
            raise OwnershipError(f"the epoch is {self.epoch} already, it never goes back")
        if epoch > self.epoch + LONGEST_STEP:
            raise OwnershipError(f"the epoch is {self.epoch}, and {LONGEST_STEP} more is a step")
        denied = self.denied + [key for key in deny if key not in self.denied]
        if len(denied) > MAX_DENIED:
            raise OwnershipError(
                f"more than {MAX_DENIED} denied keys: raise the epoch, and issue what is good again"
            )
        self._keep(self.owner, epoch, denied, self.code, self.label_taken)

    def release(self, code: str) -> None:
        # The next owner comes in by `code`.
        self._keep(None, self.epoch + 1, [], code, True)

    def reset(self) -> None:
        # By the button: the label's code is good again, and told again, for who has lost it.
        self._keep(None, self.epoch + 1, [], None, False)

    def _keep(self, owner, epoch: int, denied: list, code, label_taken: bool) -> None:
        flash.save(self._path, [_VERSION, owner, epoch, denied, code, label_taken])
        self.owner = owner
        self.epoch = epoch
        self.denied = denied
        self.code = code
        self.label_taken = label_taken

    def _load(self) -> None:
        kept = flash.load(self._path)
        if kept is None:
            return
        version, owner, self.epoch, self.denied, self.code, self.label_taken = kept
        if version != _VERSION:
            raise ValueError("ownership of another version")
        self.owner = owner

# Runs on: MicroPython and CPython
# Records wait here, in order of seq, until the host acknowledges them. When memory runs out the
# oldest are overwritten, and a loss record says which.

from resonode_wire import message
from resonode_wire.fields import CAUSES, LOSS_REASONS

# Room made for two loss records before they are written, so that they do not themselves push out
# a record they do not tell of.
_LOSS_RECORDS_BYTES = 128


class RecordStore:
    def __init__(self, sequence, clock, counters, max_bytes: int) -> None:
        self._sequence = sequence
        self._clock = clock
        self._counters = counters
        self._max_bytes = max_bytes
        self._records: list = []
        self._bytes = 0
        self._born = sequence.next  # the first number of this life
        self.first = sequence.next  # seq of the oldest record kept, or of the next one
        # Everything below is stored elsewhere, or of a life that ended unasked: of that, nobody
        # knows which numbers were used.
        self.unacknowledged = sequence.first_lost if sequence.first_lost >= 0 else sequence.next
        # What is lost below `_told` is declared; `_told_in` is the oldest record that does so.
        self._told = self.unacknowledged
        self._told_in = -1
        self.on_add = None  # called after every add; the link sets it

    @property
    def next(self) -> int:
        return self._sequence.next

    def add(self, name: str, values: dict, t_us: int = -1, cause: str = "schedule") -> None:
        if t_us < 0:
            t_us = self._clock.now_us()
        seq = self._sequence.take()
        cause_number = CAUSES.index(cause)
        data = message.encode(name, seq, self._sequence.epoch, t_us, cause_number, values)
        self._records.append(data)
        self._bytes += len(data)
        self._counters.made += 1
        while self._bytes > self._max_bytes:
            self._drop_oldest()
        if self.on_add:
            self.on_add()

    def get(self, seq: int):
        # The encoded record, or None if it is not there (yet, or any more).
        at = seq - self.first
        return self._records[at] if 0 <= at < len(self._records) else None

    def acknowledge(self, seq: int) -> None:
        # Everything up to and including `seq` is stored elsewhere.
        self.unacknowledged = max(self.unacknowledged, min(seq + 1, self.next))
        done = min(seq - self.first + 1, len(self._records))
        if done > 0:
            for record in self._records[:done]:
                self._bytes -= len(record)
            del self._records[:done]
            self.first += done
            self._counters.acked += done

    def forget(self) -> None:
        # For the next owner: what was measured for the last one is not his.
        self.acknowledge(self.next - 1)

    def declare_loss(self) -> None:
        # Turns what is gone and was never acknowledged into loss records: what a restart that was
        # asked for ended, and what was overwritten since. Called at boot, when a host begins to
        # listen, and when the link gets to a hole.
        if self._untold() >= self.first:
            return
        while self._records and self._bytes > self._max_bytes - _LOSS_RECORDS_BYTES:
            self._drop_oldest()
        first, self._told = self._untold(), self.first
        if self._told_in < self.first:
            self._told_in = self.next
        end_of_last_life = max(first, self._born)
        self._declare("restart", first, end_of_last_life)
        self._declare("store_full", end_of_last_life, self._told)

    def _untold(self) -> int:
        # A loss record that was overwritten has told nobody.
        return self._told if self._told_in >= self.first else self.unacknowledged

    def _declare(self, reason: str, first: int, end: int) -> None:
        if first < end:
            number = LOSS_REASONS.index(reason)
            self.add("loss", {"reason": number, "first_seq": first, "lost_records": end - first})

    def _drop_oldest(self) -> None:
        self._bytes -= len(self._records.pop(0))
        self.first += 1
        self._counters.dropped += 1

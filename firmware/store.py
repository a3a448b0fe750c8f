# Runs on: MicroPython and CPython
# Records wait here, in order of seq, until the host acknowledges them. When memory runs out the
# oldest are overwritten, and a loss record says which.

from resonode_wire import message
from resonode_wire.fields import CAUSES, LOSS_REASONS

# Room made for a loss record before it is written, so that it does not itself push out a record
# it does not tell of.
_LOSS_RECORD_BYTES = 64


class RecordStore:
    def __init__(self, sequence, clock, counters, max_bytes: int) -> None:
        self._sequence = sequence
        self._clock = clock
        self._counters = counters
        self._max_bytes = max_bytes
        self._records: list = []
        self._bytes = 0
        # Everything below is acknowledged, declared lost, or of an earlier life.
        self._settled = sequence.next
        self.first = sequence.next  # seq of the oldest record kept, or of the next one
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
        done = min(seq - self.first + 1, len(self._records))
        if done > 0:
            for record in self._records[:done]:
                self._bytes -= len(record)
            del self._records[:done]
            self.first += done
            self._counters.acked += done
            self._settled = max(self._settled, self.first)

    def forget(self) -> None:
        # For the next owner: what was measured for the last one is not his.
        self.acknowledge(self.next - 1)

    def declare_restart(self) -> None:
        # The records that were only in memory when the node was told to restart.
        first = self._sequence.first_lost
        if 0 <= first < self.first:
            self._declare("restart", first, self.first - first)

    def declare_loss(self) -> None:
        # Turns records that were overwritten before anybody acknowledged them into one loss
        # record. The link calls this when a host begins to listen, and when it gets to a hole.
        if self._settled >= self.first:
            return
        while self._records and self._bytes > self._max_bytes - _LOSS_RECORD_BYTES:
            self._drop_oldest()
        first, self._settled = self._settled, self.first
        self._declare("store_full", first, self.first - first)

    def _declare(self, reason: str, first: int, count: int) -> None:
        number = LOSS_REASONS.index(reason)
        self.add("loss", {"reason": number, "first_seq": first, "lost_records": count})

    def _drop_oldest(self) -> None:
        self._bytes -= len(self._records.pop(0))
        self.first += 1
        self._counters.dropped += 1

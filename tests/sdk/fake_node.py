"""A node on a pty, in a thread of this process: the wire of a real one and faults on request.

It keeps the protocol only. What a real node does beyond it is tested on virtual boards.
"""

from __future__ import annotations

import contextlib
import os
import pty
import select
import threading
import time
import tty
from collections.abc import Callable

import numpy as np

from resonode_wire import cbor, smp
from resonode_wire.errors import WireError
from resonode_wire.frame import (
    CHANNEL_SMP,
    CHANNEL_TELEMETRY,
    CONSOLE_SMP,
    StreamDecoder,
    encode_frame,
)
from tests.sdk import samples

LEASE_S = 10.0


def is_telemetry(frame: bytes) -> bool:
    """Tell a record's frame from a reply's: 00, the first COBS code, the channel."""
    return frame[2] == CHANNEL_TELEMETRY


class FakeNode:
    """Serves the node protocol on `port`.

    Attributes to change at any time:
        mute: takes requests and answers nothing.
        reply_delay_s: how late answers come.
        spoil: called with each outgoing frame; what it returns is written.
        capture_reply_delay_s: how much later the answer to a capture comes.
        config: what NODE_CONFIG serves.
        acked: highest seq acknowledged.
    """

    def __init__(self, node="fake-1", *, records=(), first_seq=0, wire=1, spoil=None):
        self.node = node
        self.wire = wire
        self.mute = False
        self.reply_delay_s = 0.0
        self.spoil: Callable[[bytes], bytes] = spoil or (lambda frame: frame)
        self.config = {"axes": "xyz", "window": 16384, "full_scale_g": 16}
        self.ring: dict[int, bytes] = {}
        self.next_seq = first_seq
        self.epoch = 1
        self.acked = -1
        self.requests: list[tuple[int, int, dict]] = []
        self.waveform_loss = False
        self.waveform_blocks: int | None = None  # so many of each axis, and then no more
        self.captures = 0
        self.capture_reply_delay_s = 0.0
        self.t_us = 10**12  # later than any record of a test
        self._cursor: int | None = None
        self._lease_s = 0.0
        self._out = bytearray()
        self._later: list[tuple[float, bytes]] = []
        self._decoder = StreamDecoder()
        self._lock = threading.RLock()
        self._stop = threading.Event()
        self._master, self._slave = pty.openpty()
        tty.setraw(self._slave)
        os.set_blocking(self._master, False)
        self.port = os.ttyname(self._slave)
        self.url = f"serial:{self.port}"
        for record in records:
            self.append(record)
        self._thread = threading.Thread(target=self._run, name=f"fake {node}")
        self._thread.start()

    # --- for tests ---------------------------------------------------------------------------

    def append(self, record: bytes):
        """Make `record` (its seq must be the next one) available."""
        with self._lock:
            self.ring[self.next_seq] = record
            self.next_seq += 1

    def make(self, count, maker=samples.features):
        """Make `count` records."""
        with self._lock:
            for _ in range(count):
                self.append(maker(self.next_seq, epoch=self.epoch))

    def forget(self, below):
        """Overwrite the records before `below`, as a full ring does."""
        with self._lock:
            self.ring = {seq: raw for seq, raw in self.ring.items() if seq >= below}

    def restart(self, next_seq):
        """Start again as after a power cut: the ring stays, numbering jumps to `next_seq`."""
        with self._lock:
            self.epoch += 1
            self.next_seq = next_seq
            self._cursor = None

    def write(self, data: bytes):
        """Write `data` to the port as it is."""
        with self._lock:
            self._out += data

    def hang_up(self):
        """Take the port away, as unplugging does."""
        self.close()

    def close(self):
        """Stop and free the port."""
        self._stop.set()
        self._thread.join()
        for fd in (self._master, self._slave):
            with contextlib.suppress(OSError):
                os.close(fd)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.close()

    # --- the thread --------------------------------------------------------------------------

    def _run(self):
        while not self._stop.is_set():
            want_write = [self._master] if self._out else []
            readable, writable, _ = select.select([self._master], want_write, [], 0.005)
            with self._lock:
                if readable:
                    self._read()
                self._stream()
                self._release()
                if writable and self._out:
                    with contextlib.suppress(BlockingIOError):
                        del self._out[: os.write(self._master, self._out)]

    def _read(self):
        try:
            data = os.read(self._master, 65536)
        except OSError:
            return
        for kind, payload in self._decoder.feed(data):
            if kind in (CHANNEL_SMP, CONSOLE_SMP) and not self.mute:
                reply = self._handle(payload)
                if reply is not None:
                    delay_s = self.reply_delay_s
                    if self.requests[-1][:2] == (smp.GROUP_NODE, smp.NODE_CAPTURE):
                        delay_s += self.capture_reply_delay_s
                    self._later.append((time.monotonic() + delay_s, reply))

    def _release(self):
        now_s = time.monotonic()
        for due in [one for one in self._later if one[0] <= now_s]:
            self._later.remove(due)
            self._send(CHANNEL_SMP, due[1])

    def _send(self, channel, payload):
        self._out += self.spoil(encode_frame(channel, payload))

    def _stream(self):
        if self._cursor is None:
            return
        if time.monotonic() - self._lease_s > LEASE_S:
            self._cursor = None
            return
        while len(self._out) < 8192:
            ahead = [seq for seq in self.ring if seq >= self._cursor]
            if not ahead:
                return
            seq = min(ahead)
            self._cursor = seq + 1
            self._send(CHANNEL_TELEMETRY, self.ring[seq])

    def _handle(self, request):
        try:
            op, version, group, seq, command, body = smp.unpack(request)
            values = cbor.loads(body)
        except WireError:
            return None
        self._lease_s = time.monotonic()
        self.requests.append((group, command, values))
        answer = self._answer(op, group, command, values)
        reply_op = smp.READ_RSP if op == smp.READ else smp.WRITE_RSP
        return smp.pack(reply_op, group, seq, command, cbor.dumps(answer), version)

    def _answer(self, op, group, command, values):
        serve = {
            (smp.GROUP_OS, smp.OS_ECHO): lambda: {"r": values.get("d", "")},
            (smp.GROUP_OS, smp.OS_PARAMETERS): lambda: {"buf_size": 2052, "buf_count": 1},
            (smp.GROUP_OS, smp.OS_RESET): dict,
            (smp.GROUP_OS, smp.OS_INFO): lambda: {"output": "Resonode fake"},
            (smp.GROUP_OS, smp.OS_DATETIME): lambda: self._datetime(op, values),
            (smp.GROUP_OS, smp.OS_TASK_STATS): lambda: {
                "tasks": {"main": {"prio": 1, "tid": 1, "state": 2}}
            },
            (smp.GROUP_STAT, smp.STAT_GROUP_LIST): lambda: {"stat_list": ["windows", "records"]},
            (smp.GROUP_STAT, smp.STAT_GROUP_DATA): lambda: self._statistics(values["name"]),
            (smp.GROUP_SECURITY, smp.SEC_HELLO): self._hello,
            (smp.GROUP_NODE, smp.NODE_INFO): self._info,
            (smp.GROUP_NODE, smp.NODE_CONFIG): lambda: self._config(op, values),
            (smp.GROUP_NODE, smp.NODE_STREAM): lambda: self._start(values),
            (smp.GROUP_NODE, smp.NODE_ACK): lambda: self._ack(values["seq"]),
            (smp.GROUP_NODE, smp.NODE_CAPTURE): lambda: self._capture(values),
        }.get((group, command))
        return serve() if serve else {"rc": smp.RC_NOT_SUPPORTED}

    def _first(self):
        return min(self.ring, default=self.next_seq)

    def _datetime(self, op, values):
        return {"datetime": "2026-01-02T03:04:05.000006"} if op == smp.READ else {}

    def _statistics(self, name):
        fields = {
            "windows": {"acquired": 10, "analysed": 9, "lost": 1, "overruns": 1},
            "records": {"made": self.next_seq, "acked": self.acked + 1},
        }
        return {"name": name, "fields": fields[name]}

    def _hello(self):
        return {
            "wire": self.wire,
            "node": self.node,
            "fp": bytes(16),
            "firmware": "0.1.0",
            "profile": "open",
            "claimed": False,
            "pattern": "XXpsk3",
            "epoch": 1,
            "clock": "unset",
            "tries": 3,
            "wait_s": 0,
        }

    def _info(self):
        return {
            "node": self.node,
            "board": "FAKE",
            "firmware": "0.1.0",
            "runtime": "MicroPython 1.29",
            "wire": self.wire,
            "profile": "open",
            "sensors": ["iis3dwb"],
            "epoch": self.epoch,
            "first": self._first(),
            "next": self.next_seq,
            "t_us": self.t_us,
            "colour": "a key of a later version",
        }

    def _config(self, op, values):
        if op == smp.READ:
            return {"config": self.config}
        for name in values["config"]:
            if name not in self.config:
                return {"rc": smp.RC_INVALID, "rsn": f"no setting {name}"}
        self.config = self.config | values["config"]
        return {"config": self.config}

    def _start(self, values):
        if not values["on"]:
            self._cursor = None
        elif "from" in values or self._cursor is None:
            self._cursor = values.get("from", self._first())
        first = min((s for s in self.ring if s >= (self._cursor or 0)), default=self.next_seq)
        return {"first": first, "next": self.next_seq}

    def _ack(self, seq):
        self.acked = max(self.acked, seq)
        self.forget(seq + 1)
        return {"first": self._first()}

    def _capture(self, values):
        count, axes = values["count"], values["axes"]
        if count > 100000:
            return {"rc": smp.RC_INVALID, "rsn": "count exceeds 100000"}
        start, block = 1000, 500
        count = -(-count // block) * block  # whole windows, as the firmware
        for axis in axes:
            wave = (np.arange(count) + 1000 * "xyz".index(axis)).astype(np.int16)
            for at in range(0, count, block)[: self.waveform_blocks]:
                if self.waveform_loss and at >= block:
                    lost = {"capture": 7, "first_sample": start + at, "lost_samples": block}
                    self.append(samples.loss(self.next_seq, **lost))
                    break
                self.append(
                    samples.waveform(
                        self.next_seq,
                        wave[at : at + block],
                        axis="xyz".index(axis),
                        first=start + at,
                        start=start,
                        total=count,
                        capture=7,
                    )
                )
        self.captures += 1
        return {"capture": 7, "start": start, "total": count}

"""The bus channel: what a board gets for what it asks, and when."""

from __future__ import annotations

import socket
import struct
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resonode_hil import BusFaults, BusServer, Lockstep, Paced
from resonode_hil.faults import BitFlipper
from resonode_hil.timebase import Stalls, Wall
from resonode_wire import bus as wire


class Echo:
    """A chip that answers what was written, and raises its line at a set time."""

    def __init__(self, rises_us: int | None = None) -> None:
        self.rises_us = rises_us
        self.t_us = 0

    def spi(self, write: bytes, n_read: int) -> bytes:
        return (write * (n_read // max(len(write), 1) + 1))[:n_read]

    def advance(self, t_us: int) -> None:
        assert t_us >= self.t_us, "time ran back"
        self.t_us = t_us

    def irq(self) -> bool:
        return self.rises_us is not None and self.t_us >= self.rises_us

    def next_irq_us(self) -> int | None:
        return self.rises_us


class Node:
    """The board's end of the channel."""

    def __init__(self, server: BusServer) -> None:
        self.socket, theirs = socket.socketpair()
        self.socket.settimeout(10.0)  # ends a hung test
        server.start(theirs)
        self.server = server

    def __enter__(self) -> Node:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()
        self.server.stop()

    def send(self, message: bytes) -> None:
        self.socket.sendall(message)

    def receive(self) -> tuple[int, int, int, bytes]:
        (length,) = struct.unpack("<H", self._exactly(2))
        body = self._exactly(length)
        return (*wire.unpack_reply_header(body[: wire.REPLY_HEADER]), body[wire.REPLY_HEADER :])

    def _exactly(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            piece = self.socket.recv(count - len(data))
            assert piece, "the rig closed the channel"
            data += piece
        return data

    def ask(self, message: bytes) -> tuple[int, int, int, bytes]:
        self.send(message)
        return self.receive()


def node(chips=None, timebase=None, faults=None) -> Node:
    return Node(BusServer(chips or {}, timebase or Lockstep(), faults))


def test_transfer_returns_what_the_chip_says_and_costs_its_time():
    with node({2: Echo()}) as board:
        # 6 bytes at 10 MHz are 4.8 us, rounded up, and 2 us of handling.
        assert board.ask(wire.pack_spi(2, 4, b"ab")) == (0, 0, 7, b"abab")
        assert board.ask(wire.pack_time()) == (0, 0, 7, b"")


def test_message_may_arrive_in_any_pieces():
    with node({0: Echo()}) as board:
        for byte in wire.pack_spi(0, 3, b"xyz"):
            board.send(bytes([byte]))
        assert board.receive()[3] == b"xyz"


def test_wait_ends_at_the_interrupt_it_asked_for():
    with node({0: Echo(500), 3: Echo(200)}) as board:
        assert board.ask(wire.pack_wait(0b0001, 10_000)) == (0, 0b1001, 500, b"")


def test_wait_ends_at_its_deadline_when_no_wanted_line_rises():
    with node({0: Echo(500), 3: Echo()}) as board:
        assert board.ask(wire.pack_wait(0b1000, 800)) == (0, 0b0001, 800, b"")


def test_wait_in_the_past_is_answered_at_once():
    with node() as board:
        assert board.ask(wire.pack_wait(0, 0)) == (0, 0, 0, b"")


@pytest.mark.parametrize("timebase", [Paced, Lockstep])
def test_next_request_ends_a_wait_that_would_never_end(timebase):
    with node({0: Echo()}, timebase()) as board:
        board.send(wire.pack_wait(1, (1 << 64) - 1))
        board.send(wire.pack_spi(0, 1, b"q"))
        assert board.receive()[0] == 0
        assert board.receive()[3] == b"q"


def test_paced_time_waits_for_the_wall_clock_at_its_speed():
    timebase = Paced(1000.0)
    with node({}, timebase) as board:
        assert board.ask(wire.pack_wait(0, 50_000))[2] >= 50_000
        assert timebase.now_us() >= 50_000


def test_a_wait_in_lockstep_with_a_speed_takes_its_time_and_ends_exactly():
    with node({0: Echo(20_000)}, Lockstep(speed=2)) as board:
        began_s = time.monotonic()
        assert board.ask(wire.pack_wait(1, 50_000))[1:3] == (1, 20_000)
        assert time.monotonic() - began_s >= 20_000 / 2e6


def test_lockstep_with_a_speed_stands_still_while_the_board_works():
    with node({}, Lockstep(speed=1)) as board:
        _, _, before_us, _ = board.ask(wire.pack_wait(0, 1_000))
        time.sleep(0.02)
        assert board.ask(wire.pack_time())[2] == before_us


@pytest.mark.parametrize("speed", [0, -1, float("nan")])
def test_a_speed_of_lockstep_is_above_0(speed):
    with pytest.raises(ValueError, match="speed must be above 0"):
        Lockstep(speed=speed)


@pytest.fixture
def patience(monkeypatch):
    """How long a host that reads nothing is waited for, s: by a clock that each look moves."""
    looks = iter(range(1_000_000))
    monkeypatch.setattr("resonode_hil.bus.time.sleep", lambda _s: None)
    monkeypatch.setattr("resonode_hil.bus.time.monotonic", lambda: 0.1 * next(looks))


class Host:
    """A serial port on which these numbers of bytes are seen unread, the last for ever."""

    def __init__(self, *unread: int) -> None:
        self._unread = list(unread)
        self.looks = 0

    def __call__(self) -> int:
        self.looks += 1
        return self._unread.pop(0) if len(self._unread) > 1 else self._unread[0]


def ask_to_wait(host: Host, timebase, times: int = 1) -> list[int]:
    """Return how often the host was looked at for each of the board's waits."""
    server = BusServer({}, timebase, unread=host)
    looks = []
    for _ in range(times):
        before = host.looks
        server.answer(wire.pack_wait(0, 1000)[2:])
        looks.append(host.looks - before)
    return looks


def test_time_that_the_board_moves_waits_until_the_host_has_read(patience):
    # Every other look sees progress: patience begins anew, however long it takes in all.
    slow = [(count + 1) // 2 for count in range(400, 0, -1)]
    assert ask_to_wait(Host(*slow, 0), Lockstep()) == [len(slow) + 1]


def test_time_does_not_move_before_the_host_has_read(patience):
    timebase = Lockstep()
    seen_us = []

    class Watching(Host):
        def __call__(self) -> int:
            seen_us.append(timebase.now_us())
            return super().__call__()

    ask_to_wait(Watching(9, 5, 0), timebase)
    assert seen_us == [0, 0, 0]
    assert timebase.now_us() == 1000


def test_a_host_that_does_not_read_is_given_up_until_it_does(patience):
    first, second, third = ask_to_wait(Host(7), Lockstep(), times=3)
    # 0.5 s of patience at 0.1 s a look.
    assert first > 5
    assert (second, third) == (1, 1)
    server = BusServer({}, Lockstep(), unread=(host := Host(7)))
    server.answer(wire.pack_wait(0, 1000)[2:])
    host._unread = [6, 3, 0]
    before = host.looks
    server.answer(wire.pack_wait(0, 1000)[2:])
    assert host.looks - before == 3


def test_time_that_follows_the_wall_waits_for_no_host(patience):
    assert ask_to_wait(Host(7), Wall(1e6)) == [0]


@pytest.fixture
def wall_s(monkeypatch):
    """The wall clock, to be set."""
    wall_s = [100.0]
    monkeypatch.setattr("resonode_hil.timebase.time.monotonic", lambda: wall_s[0])
    return wall_s


def test_wall_time_starts_when_asked_and_goes_on_whoever_works(wall_s):
    wall = Wall(4.0)
    assert wall.now_us() == 0
    wall.charge_by(lambda: 0.0)  # a board that computed nothing is charged all the same
    wall_s[0] += 0.25
    assert wall.now_us() == 1_000_000
    wall.hold()
    wall.transfer(1000)
    wall_s[0] += 0.5
    assert wall.now_us() == 3_000_000
    wall.release()
    assert wall.now_us() == 3_000_000


def test_wall_time_sleeps_to_an_event_and_forgives_no_lateness(wall_s):
    wall = Wall(2.0)
    assert wall.now_us() == 0
    assert wall.pass_until(500_000) == pytest.approx(0.25)
    assert wall.now_us() == 0
    wall_s[0] += 1.0
    assert wall.pass_until(500_000) == 0.0
    assert wall.now_us() == 2_000_000


def test_wall_time_jumps_over_a_stall(wall_s):
    wall = Wall()
    assert wall.now_us() == 0
    wall.stall(1_000_000, 300_000)
    assert wall.pass_until(5_000_000) == pytest.approx(1.0)
    wall_s[0] += 1.0
    assert wall.now_us() == 1_300_000
    assert wall.pass_until(1_500_000) == pytest.approx(0.2)


def test_rig_that_is_late_does_not_make_the_board_late(monkeypatch):
    """The wall clock jumps while the rig answers, or sleeps through an event."""
    wall_s = [100.0]
    monkeypatch.setattr("resonode_hil.timebase.time.monotonic", lambda: wall_s[0])

    class Slow(Echo):
        def spi(self, write: bytes, n_read: int) -> bytes:
            wall_s[0] += 0.030
            return bytes(n_read)

    timebase = Paced(2.0)
    server = BusServer({0: Slow(50_000)}, timebase)

    def ask(message: bytes) -> tuple[int, int]:
        # Both messages without their length.
        reply = server.answer(message[2:])[2:]
        return wire.unpack_reply_header(reply[: wire.REPLY_HEADER])[1:]

    assert ask(wire.pack_time()) == (0, 0)
    assert ask(wire.pack_spi(0, 1, b"")) == (0, 0)
    assert timebase.lag_us == 60_000
    wall_s[0] += 0.006  # now the board takes its time: 12 ms of its own
    assert ask(wire.pack_time()) == (0, 12_000)
    # The wall clock, at 72 ms, is past the event: no sleep, and the event's own time.
    assert ask(wire.pack_wait(1, 1_000_000)) == (1, 50_000)
    assert ask(wire.pack_wait(0, 65_000)) == (1, 65_000)
    assert timebase.lag_us == 7_000


def test_board_is_charged_for_its_own_processor_time_not_for_that_of_others(monkeypatch):
    wall_s, busy_s = [100.0], [5.0]
    monkeypatch.setattr("resonode_hil.timebase.time.monotonic", lambda: wall_s[0])
    timebase = Paced(4.0)
    timebase.charge_by(lambda: busy_s[0])
    wall_s[0] += 0.010
    busy_s[0] += 0.002
    assert (timebase.now_us(), timebase.lag_us) == (8_000, 32_000)
    # A clock that runs ahead (a second thread) does not make the board slower than real.
    busy_s[0] += 1.0
    assert timebase.now_us() == 40_000
    timebase.hold()
    assert timebase.pass_until(30_000) == 0.0
    assert timebase.now_us() == 40_000
    timebase.charge_by(lambda: None)
    timebase.release()
    wall_s[0] += 0.001
    assert timebase.now_us() == 44_000


def test_stall_passes_between_two_requests():
    timebase = Lockstep()
    timebase.stall(1_000, 30_000)
    with node({0: Echo(2_000)}, timebase) as board:
        assert board.ask(wire.pack_wait(0, 999))[2] == 999
        assert board.ask(wire.pack_wait(1, 50_000)) == (0, 1, 31_000, b"")
        assert board.ask(wire.pack_wait(0, 31_500))[2] == 31_500


@given(st.lists(st.tuples(st.integers(0, 1000), st.integers(0, 1000)), max_size=5))
def test_stalls_add_up_and_never_turn_time_back(stalls):
    dead = Stalls()
    for at_us, duration_us in stalls:
        dead.add(at_us, duration_us)
    times = [dead.apply(t_us) for t_us in range(0, 3000, 7)]
    assert times == sorted(times)
    total = sum(duration for _, duration in stalls)
    assert dead.apply(3000) == 3000 + total


def test_absent_chip_reads_as_a_pulled_up_line_and_raises_no_interrupt():
    faults = BusFaults(absent=frozenset({0}))
    with node({0: Echo(0)}, faults=faults) as board:
        assert board.ask(wire.pack_spi(0, 3, b"abc")) == (0, 0, 7, b"\xff\xff\xff")
        assert board.ask(wire.pack_spi(7, 2, b""))[3] == b"\xff\xff"


def test_refused_transfer_gives_its_errno_and_no_data():
    with node({0: Echo()}, faults=BusFaults(refused={0: 19})) as board:
        assert board.ask(wire.pack_spi(0, 3, b"abc"))[::3] == (19, b"")


def test_request_that_makes_no_sense_is_refused_and_the_channel_lives_on():
    with node({0: Echo()}) as board:
        for body in (b"", b"\x09", b"\x01\x00", b"\x03\x00"):
            assert board.ask(struct.pack("<H", len(body)) + body)[0] == 22
        assert board.ask(wire.pack_spi(0, wire.MAX_TRANSFER + 1, b""))[0] == 22
        assert board.ask(wire.pack_time())[0] == 0


def test_defect_of_a_model_frees_the_board_and_is_kept():
    class Broken(Echo):
        def spi(self, write: bytes, n_read: int) -> bytes:
            raise ZeroDivisionError("model")

    server = BusServer({0: Broken()}, Lockstep())
    with Node(server) as board:
        board.send(wire.pack_spi(0, 1, b""))
        assert board.socket.recv(1) == b""
    assert isinstance(server.error, ZeroDivisionError)


def test_board_that_vanishes_inside_a_message_ends_the_server_quietly():
    server = BusServer({0: Echo()}, Lockstep())
    with Node(server) as board:
        board.send(wire.pack_time()[:2])
    assert server.error is None


def test_flips_come_at_their_rate_and_the_seed_repeats_them():
    data = bytes(200_000)
    flipper = BitFlipper(0.01, seed=5)
    damaged = flipper.pass_through(data)
    assert damaged == BitFlipper(0.01, seed=5).pass_through(data)
    assert damaged != BitFlipper(0.01, seed=6).pass_through(data)
    # One bit of each damaged byte; 2000 expected, deviation 45.
    assert sum(byte.bit_count() for byte in damaged) == flipper.flipped
    assert flipper.flipped == pytest.approx(2000, abs=5 * 45)


@given(st.lists(st.integers(0, 300), max_size=20))
def test_flips_fall_on_the_same_bytes_however_the_stream_is_cut(sizes):
    whole = BitFlipper(0.05, 1).pass_through(bytes(sum(sizes)))
    cut = BitFlipper(0.05, 1)
    assert b"".join(cut.pass_through(bytes(size)) for size in sizes) == whole


def test_no_faults_change_nothing_and_impossible_ones_are_refused():
    assert BitFlipper(0.0, 1).pass_through(b"abc") == b"abc"
    assert BitFlipper(1.0, 1).pass_through(bytes(3)).count(0) == 0
    with pytest.raises(ValueError, match="probability"):
        BusFaults(flip_rate=2.0)
    for timebase in (Paced, Wall):
        with pytest.raises(ValueError, match="speed"):
            timebase(0.0)
    with pytest.raises(ValueError, match="stall"):
        Lockstep().stall(-1, 5)

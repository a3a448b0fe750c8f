# Runs on: MicroPython
# Wires the node together; the only module that knows all the others.

import asyncio
import json
import sys

from firmware import VERSION, console
from firmware.access import Access, Trust
from firmware.beacon import Beacon
from firmware.board import Board
from firmware.calibration import Calibration
from firmware.clock import LOOK_S
from firmware.counters import Counters
from firmware.link_serial import SerialLink
from firmware.measure import Measurement
from firmware.node import Node
from firmware.passing import forget
from firmware.sampler import Sampler
from firmware.sequence import Sequence
from firmware.session import Session
from firmware.settings import Settings
from firmware.store import RecordStore
from resonode_wire.fields import RESET_CAUSES
from resonode_wire.security import CLOSED

_RESTART_S = 1
_NAP_S = 0.02
_GOODBYE_S = 5.0
# After power-on: accelerometers answer, and everything we know does.
_CHIPS_UP_US = 100000
_ALL_CHIPS_UP_US = 1200000
_HOLD_S = 5  # the button, for a factory reset
_FLUSH_S = 0.05  # what was written leaves the port


async def _guard(node, name: str, task) -> None:
    # A task's boundary: an exception is counted and reported, and the task begins again.
    while True:
        node.set_task_state(name, 1)
        try:
            await task()
        except Exception as error:
            node.report(name, error)
        node.set_task_state(name, 0)
        await asyncio.sleep(_RESTART_S)


def _calibration(sensor, link):
    from firmware import calibration_file

    try:
        return calibration_file.load(sensor.name)
    except ValueError as error:
        link.log(f"calibration: {error}; the datasheet's sensitivity is used")
        return Calibration(sensor.name, {})
    finally:
        forget("firmware.calibration_file")


async def _reset_when_asked(node) -> None:
    # The answer to the request leaves before the node does, and a host that is there gets the
    # records it has not acknowledged.
    await node.reset.wait()
    node.stop_measuring()
    patience_s = _GOODBYE_S
    while patience_s > 0 and not _all_said(node):
        await asyncio.sleep(_NAP_S)
        patience_s -= _NAP_S
    await asyncio.sleep(_FLUSH_S)


def _all_said(node) -> bool:
    kept = node.link.streaming and node.store.first < node.store.next
    return node.link.idle.is_set() and not kept


async def _sensors(board, say) -> tuple:
    # The accelerometer, its place and the pin of its interrupt; and the air sensors that answer.
    from firmware import detect

    fitted = detect.accelerometer(board, say)
    # Who does not answer yet is looked for again: some chips take a second to wake up.
    air_sensors = await detect.air_on_i2c(board, [fitted.place], _say_nothing)
    forget("firmware.detect")
    return fitted.chip, fitted.place, fitted.int1, air_sensors


async def _late_sensors(board, places: list, say) -> list:
    # What wakes up slowly or only talks by itself.
    from firmware import detect

    await board.clock.sleep_until(_ALL_CHIPS_UP_US)
    found = await detect.air_on_i2c(board, places, say)
    found += await detect.air_on_spi(board, places, say)
    found += await detect.air_on_uart(board, places)
    forget("firmware.detect")
    return found


def _air_tasks(board, node, place: str, sensors: list) -> tuple:
    # None without a place for air sensors: their code would take memory for nothing.
    # place: the accelerometer's.
    if not board.data.get("i2c") and not board.data.get("uart") and len(board.data["sensors"]) < 2:
        return ()
    from firmware.air import Air

    node.air = air = Air(node, sensors, board.clock)
    node.agenda.busy("look")
    places = [place] + [known for known, _chip in sensors]

    async def look() -> None:
        # While the node does its work. What fails begins again, and finds nothing twice.
        for late, chip in await _late_sensors(board, places, node.link.log):
            air.add(late, chip)
            places.append(late)
            node.sensors.append(chip.name)
        node.agenda.leaves("look")
        await asyncio.Event().wait()

    return (("air", air.run), ("look", look))


def _sleeper(node):
    # Loaded by nodes that are told to sleep only: its code takes memory.
    async def sleep() -> None:
        while node.config["sleep"] == "idle":
            await node.clock.sleep_until(node.clock.now_us() + 1000000 * _RESTART_S)
        from firmware.sleeper import Sleeper

        await Sleeper(node).run()

    return sleep


def _say_nothing(_text: str) -> None:
    pass


def _time_keeper(board, wall_clock):
    async def keep() -> None:
        while True:
            await asyncio.sleep(LOOK_S)
            board.keep_time()
            wall_clock.keep()

    return keep


async def _reset_by_button(board, trust, link) -> None:
    if await board.button_held(_HOLD_S):
        trust.ownership.reset()
        link.log("the button was held: owner and configuration are forgotten")


def _profile(board, identity: dict) -> str:
    # Whoever could open a real node by a file would need no key.
    may_be_open = board.data.get("may_be_open", False)
    return identity.get("profile", CLOSED) if may_be_open else CLOSED


async def _start(board, identity: dict, room: list):
    def seconds() -> float:
        return board.hosts_clock.now_us() / 1000000

    trust = Trust(identity["node_id"], VERSION, _profile(board, identity), seconds)
    counters = Counters()
    sequence = Sequence("sequence.bin")
    store = RecordStore(sequence, board.clock, counters, board.data["store_bytes"])
    link = SerialLink(
        console.reader(),
        asyncio.StreamWriter(sys.stdout.buffer, {}),
        store,
        counters,
        seconds,
    )
    link.log(f"Resonode {VERSION} on {board.name}, node {trust.node_id}, {trust.profile} profile")
    await _reset_by_button(board, trust, link)
    await board.clock.sleep_until(_CHIPS_UP_US)
    sensor, place, int1, air_sensors = await _sensors(board, link.log)
    sensors = [one.name for one in [sensor] + [chip for _place, chip in air_sensors]]
    settings = Settings(sensor, board)
    beacon = Beacon(board.led())
    node = Node(trust, board, sensors, sequence, store, counters, link, beacon, settings)
    ready = board.interrupt(int1)
    sampler = Sampler(sensor, _calibration(sensor, link), ready, board.clock, counters)
    measurement = Measurement(node, sampler, board.pulses(), room)
    _connect(link, Session(node, measurement, Access(trust)))
    link.on_stream_end = measurement.cancel_waveform
    node.add_boot(RESET_CAUSES.index(identity.get("reset_cause", "power")))
    store.declare_loss()
    tasks = (
        ("receive", link.receive),
        ("transmit", link.transmit),
        ("measure", measurement.run),
        ("beacon", beacon.run),
        ("sleep", _sleeper(node)),
        ("time", _time_keeper(board, trust.wall_clock)),
    ) + _air_tasks(board, node, place, air_sensors)
    guards = [asyncio.create_task(_guard(node, name, task)) for name, task in tasks]
    await _reset_when_asked(node)
    for guard in guards:
        guard.cancel()
    sequence.close(store.unacknowledged)
    return node


def _connect(link, session) -> None:
    access = session.access
    link.handle = session.handle
    if access.trust.profile == CLOSED:
        link.sealer = access.sealer
    access.on_end = link.end_stream


def run(path: str, room: list) -> None:
    # As main.run; room: holds memory for captures.
    board = Board(path + "/board.json")
    with open("board_id") as file:
        identity = json.load(file)
    node = asyncio.run(_start(board, identity, room))
    if node.console_requested:
        board.console()
    else:
        board.reset()

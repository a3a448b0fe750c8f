"""Runs on: MicroPython and CPython."""

import sys

from firmware import calibration_file, config
from firmware.counters import Counters
from firmware.roles import LEAST_ROLE
from firmware.session import Session
from resonode_wire import cbor, security, smp


class Store:
    first = 3

    def __init__(self) -> None:
        self.acknowledged = []

    def acknowledge(self, seq: int) -> None:
        self.acknowledged.append(seq)


class Clock:
    def __init__(self) -> None:
        self.time_s = 1796000000
        self.went_back = False

    def now_s(self) -> int:
        return self.time_s

    def set(self, unix_s: int, may_go_back: bool) -> None:
        self.time_s = unix_s
        self.went_back = may_go_back


class Access:
    # Of a node whose peers have `plain_role`; what sessions do is tested with real handshakes.
    def __init__(self, plain_role: int) -> None:
        self.plain_role = plain_role
        self.trust = None


class Node:
    def __init__(self) -> None:
        self.config = config.defaults()
        self.counters = Counters()
        self.store = Store()
        self.resets = 0
        self.measuring = True
        self.busy = False
        self.wall_clock = Clock()

    def info(self) -> dict:
        names = ("node", "firmware", "runtime", "board", "profile")
        return {name: name.upper() for name in names}

    def tasks(self) -> dict:
        return {"measure": 1, "receive": 1}

    def report(self, task: str, error: Exception) -> None:
        self.reported = error

    def request_reset(self) -> None:
        self.resets += 1

    def configure(self, changes: dict) -> None:
        self.config = config.changed(self.config, changes)

    def stream(self, on: bool, start: int) -> dict:
        return {"first": start, "next": 9}

    calibration = {"sensor": "iis3dwb", "calibrated": False}
    self_test = {"state": "none"}

    def calibrate(self, record: dict) -> dict:
        calibration_file.checked(record)
        return record

    def request_self_test(self) -> bool:
        asked = self.self_test["state"] == "running"
        self.self_test = {"state": "running"}
        return not asked

    def request_waveform(self, count: int, axes: list) -> dict:
        if not self.measuring:
            return {}
        return {"capture": 1, "start": 0, "total": 0 if self.busy else count}


def session(node, role: int = security.ROLE_OWNER):
    return Session(node, node, Access(role))  # type: ignore[arg-type]


def ask(node, op, group, command, body=None, version=1, role=security.ROLE_OWNER) -> dict:
    data = b"" if body is None else cbor.dumps(body)
    answer = session(node, role).handle(smp.pack(op, group, 77, command, data, version))
    got_op, got_version, got_group, seq, got_command, payload = smp.unpack(answer)
    assert (got_op, got_group, seq, got_command) == (op + 1, group, 77, command)
    assert got_version == version & 1
    return cbor.loads(payload)


def test_echo_gives_back_what_it_got_in_both_versions():
    for version in (0, 1):
        assert ask(Node(), smp.WRITE, 0, smp.OS_ECHO, {"d": "hé"}, version) == {"r": "hé"}


def test_standard_commands_answer_with_standard_keys_only():
    node = Node()
    assert set(ask(node, smp.READ, 0, smp.OS_PARAMETERS)) == {"buf_size", "buf_count"}
    assert ask(node, smp.READ, 0, smp.OS_DATETIME) == {"datetime": "2026-11-30T00:53:20"}
    assert ask(node, smp.WRITE, 0, smp.OS_DATETIME, {"datetime": "2027-01-01T00:00:00"}) == {}
    assert node.wall_clock.time_s == 1798761600 and node.wall_clock.went_back
    tasks = ask(node, smp.READ, 0, smp.OS_TASK_STATS)["tasks"]
    assert set(tasks["measure"]) == {"prio", "tid", "state"}
    assert ask(node, smp.WRITE, 0, smp.OS_RESET, {}) == {} and node.resets == 1


def test_os_info_follows_zephyrs_letters():
    node = Node()
    assert ask(node, smp.READ, 0, smp.OS_INFO) == {"output": "Resonode"}
    assert ask(node, smp.READ, 0, smp.OS_INFO, {"format": "rn"})["output"] == "NODE FIRMWARE"
    assert "PROFILE profile" in ask(node, smp.READ, 0, smp.OS_INFO, {"format": "a"})["output"]
    assert ask(node, smp.READ, 0, smp.OS_INFO, {"format": "?"})["rc"] == smp.RC_INVALID


def test_statistics_list_and_groups_agree():
    node = Node()
    for name in ask(node, smp.READ, 2, smp.STAT_GROUP_LIST)["stat_list"]:
        group = ask(node, smp.READ, 2, smp.STAT_GROUP_DATA, {"name": name})
        assert group["name"] == name and group["fields"]
    assert ask(node, smp.READ, 2, 0, {"name": "none"})["rc"] == smp.RC_NO_ENTRY


def test_enumeration_names_every_group_that_is_served():
    groups = ask(Node(), smp.READ, smp.GROUP_ENUM, smp.ENUM_LIST)["groups"]
    assert groups == [0, 2, 10, smp.GROUP_NODE, smp.GROUP_SECURITY]
    assert ask(Node(), smp.READ, smp.GROUP_ENUM, smp.ENUM_COUNT)["count"] == len(groups)


def test_configuration_is_changed_whole_or_refused_with_the_reason():
    node = Node()
    write = (smp.WRITE, smp.GROUP_NODE, smp.NODE_CONFIG)
    assert ask(node, *write, {"config": {"window": 512}})["config"]["window"] == 512
    answer = ask(node, *write, {"config": {"window": 5, "shaft_hz": 30}})
    assert answer["rc"] == smp.RC_INVALID and "window" in answer["rsn"]
    assert node.config["shaft_hz"] == 0.0


def test_stream_acknowledge_and_capture():
    node = Node()
    assert ask(node, smp.WRITE, 65, smp.NODE_STREAM, {"on": True}) == {"first": 3, "next": 9}
    assert ask(node, smp.WRITE, 65, smp.NODE_STREAM, {"on": True, "from": 5})["first"] == 5
    assert ask(node, smp.WRITE, 65, smp.NODE_ACK, {"seq": 8}) == {"first": 3}
    assert node.store.acknowledged == [8]
    capture = {"count": 100, "axes": "xz"}
    assert ask(node, smp.WRITE, 65, smp.NODE_CAPTURE, capture)["total"] == 100
    node.busy = True
    assert ask(node, smp.WRITE, 65, smp.NODE_CAPTURE, capture)["rc"] == smp.RC_BUSY
    node.measuring = False
    assert ask(node, smp.WRITE, 65, smp.NODE_CAPTURE, capture)["rc"] == smp.RC_BAD_STATE


def test_bad_arguments_are_refused_and_say_which():
    for group, command, body, word in (
        (0, smp.OS_ECHO, {}, "d"),
        (0, smp.OS_ECHO, {"d": 5}, "d"),
        (0, smp.OS_ECHO, [], "map"),
        (0, smp.OS_DATETIME, {"datetime": "tomorrow"}, "YYYY"),
        (65, smp.NODE_CAPTURE, {"count": 0, "axes": "z"}, "count"),
        (65, smp.NODE_CAPTURE, {"count": 5, "axes": "w"}, "axes"),
        (65, smp.NODE_STREAM, {"on": True, "from": -1}, "from"),
        (65, smp.NODE_STREAM, {"on": 1}, "on"),
    ):
        answer = ask(Node(), smp.WRITE, group, command, body)
        assert answer["rc"] == smp.RC_INVALID and word in answer["rsn"], (answer, body)


def test_unknown_commands_and_versions_get_the_standard_codes():
    assert ask(Node(), smp.READ, 0, 99) == {"rc": smp.RC_NOT_SUPPORTED}
    assert ask(Node(), smp.READ, 999, 0) == {"rc": smp.RC_NOT_SUPPORTED}
    assert ask(Node(), smp.WRITE, 65, smp.NODE_INFO) == {"rc": smp.RC_NOT_SUPPORTED}
    answer = session(Node()).handle(smp.pack(smp.READ, 0, 1, 0, b"", 2))
    assert cbor.loads(smp.unpack(answer)[5]) == {"rc": smp.RC_TOO_NEW}


def test_a_command_that_fails_is_answered_and_reported_not_met_with_silence():
    node = Node()
    node.configure = lambda changes: 1 // 0
    answer = ask(node, smp.WRITE, 65, smp.NODE_CONFIG, {"config": {}})
    assert answer["rc"] == smp.RC_UNKNOWN and "ZeroDivisionError" in answer["rsn"]
    assert isinstance(node.reported, ZeroDivisionError)


def test_what_is_no_request_gets_no_answer():
    under_test = session(Node())
    for message in (b"", b"short", smp.pack(smp.READ_RSP, 0, 1, 0, b""), smp.pack(7, 0, 1, 0, b"")):
        assert under_test.handle(message) is None
    assert under_test.handle(smp.pack(smp.WRITE, 0, 1, 0, b"xx") + b"x") is None


def test_damaged_bodies_are_refused():
    answer = session(Node()).handle(smp.pack(smp.WRITE, 0, 1, 0, b"\xa1\x61"))
    assert cbor.loads(smp.unpack(answer)[5])["rc"] == smp.RC_INVALID


def test_a_calibration_is_kept_whole_and_the_node_restarts_with_it():
    node = Node()
    assert ask(node, smp.READ, 65, smp.NODE_CALIBRATION)["calibration"]["sensor"] == "iis3dwb"
    record = {"sensitivity": [1.0, 1.25, 0.75], "offset_m_s2": [0.0, 0.125, -0.125]}
    record["date"], record["certificate"] = "2026-11-22", "LAB 4711"
    body = {"calibration": record}
    assert ask(node, smp.WRITE, 65, smp.NODE_CALIBRATION, body)["calibration"] == record
    assert node.resets == 1
    record["sensitivity"] = [1.0, 9.0, 1.0]
    refused = ask(node, smp.WRITE, 65, smp.NODE_CALIBRATION, body)
    assert refused["rc"] == smp.RC_INVALID and "sensitivity" in refused["rsn"]
    assert node.resets == 1


class Chip:
    def __init__(self, name: str) -> None:
        self.name = name


class Post:
    def __init__(self, name: str, place: str) -> None:
        self.chip = Chip(name)
        self.place = place
        self.clock = Board()
        self.lost = False
        self.measures = True
        self.started_us = 0
        self.interval_s = 5
        self.task = None


class Board:
    def now_us(self) -> int:
        return 100000000


class Air:
    def __init__(self) -> None:
        self.posts = [Post("scd41", "i2c0/0x62"), Post("sgp41", "i2c0/0x59")]
        self.upkeep = {"state": "none"}


def test_upkeep_is_begun_once_and_refused_with_the_reason():
    node = Node()
    node.air = Air()

    def asked(**arguments) -> dict:
        return ask(node, smp.WRITE, 65, smp.NODE_UPKEEP, arguments)

    told = ask(node, smp.READ, 65, smp.NODE_UPKEEP)
    assert told["state"] == "none"
    assert told["sensors"][0] == {
        "sensor": "scd41",
        "place": "i2c0/0x62",
        "acts": ["recalibrate", "self_test"],
    }
    for arguments, rc, words in (
        ({"place": "i2c0/0x01", "act": "self_test"}, smp.RC_INVALID, "i2c0/0x62, i2c0/0x59"),
        ({"place": "i2c0/0x59", "act": "recalibrate"}, smp.RC_INVALID, "no 'recalibrate'"),
        ({"place": "i2c0/0x62", "act": "recalibrate"}, smp.RC_INVALID, "value is missing"),
        ({"place": "i2c0/0x62", "act": "recalibrate", "value": 9}, smp.RC_INVALID, "400..2000"),
        ({"place": "i2c0/0x62", "act": "recalibrate", "value": 420}, smp.RC_BAD_STATE, "81 s"),
    ):
        refused = asked(**arguments)
        assert refused["rc"] == rc and words in refused["rsn"], refused
    assert asked(place="i2c0/0x59", act="self_test") == {}
    assert node.air.posts[1].task == ("self_test", None)
    again = asked(place="i2c0/0x62", act="self_test")
    assert again["rc"] == smp.RC_BUSY and "self_test of sgp41" in again["rsn"]
    scd41 = node.air.posts[0]
    node.air.upkeep = {"state": "none"}
    scd41.started_us, scd41.interval_s = -200000000, 600
    seldom = asked(place="i2c0/0x62", act="recalibrate", value=420)
    assert seldom["rc"] == smp.RC_BAD_STATE and "air_period_s" in seldom["rsn"]
    scd41.lost = True
    gone = asked(place="i2c0/0x62", act="self_test")
    assert gone["rc"] == smp.RC_BAD_STATE and "does not answer" in gone["rsn"]


def test_a_self_test_is_asked_for_once_and_then_looked_at():
    node = Node()
    assert ask(node, smp.READ, 65, smp.NODE_SELF_TEST) == {"state": "none"}
    assert ask(node, smp.WRITE, 65, smp.NODE_SELF_TEST) == {}
    assert ask(node, smp.READ, 65, smp.NODE_SELF_TEST) == {"state": "running"}
    assert ask(node, smp.WRITE, 65, smp.NODE_SELF_TEST)["rc"] == smp.RC_BUSY


# -- who may do what


def test_strangers_may_do_what_the_table_says_and_learn_of_nothing_else():
    for key in LEAST_ROLE:
        group, command, op = key
        if LEAST_ROLE[key] > security.ROLE_ANYONE:
            answer = ask(Node(), op, group, command, {}, role=security.ROLE_ANYONE)
            assert answer == {"rc": smp.RC_ACCESS_DENIED}, key
    for op, group, command in ((0, 0, 99), (2, 1, 0), (0, 65, 99), (2, 66, 0), (0, 8, 0)):
        answer = ask(Node(), op, group, command, {}, role=security.ROLE_ANYONE)
        assert answer == {"rc": smp.RC_ACCESS_DENIED}


def test_a_role_may_do_what_lesser_ones_may_and_not_what_greater_ones_may():
    for key in LEAST_ROLE:
        group, command, op = key
        least = LEAST_ROLE[key]
        if group == smp.GROUP_SECURITY:
            continue  # these look at keys, too: tests/crypto/test_access.py
        for role in range(4):
            answer = ask(Node(), op, group, command, {}, role=role)
            assert (answer == {"rc": smp.RC_ACCESS_DENIED}) == (role < least), (key, role)


def test_every_command_has_a_least_role_and_every_role_a_command():
    under_test = session(Node())
    found = set(under_test._commands)
    for group in (smp.GROUP_OS, smp.GROUP_SECURITY):
        found |= set(under_test._rare(group))
    assert found == set(LEAST_ROLE)


def test_what_is_asked_now_and_then_does_not_stay_in_memory():
    assert ask(Node(), smp.READ, smp.GROUP_STAT, smp.STAT_GROUP_LIST)["stat_list"]
    assert ask(Node(), smp.READ, smp.GROUP_STAT, smp.STAT_GROUP_DATA, {"name": "no"})["rc"]
    assert ask(Node(), smp.READ, smp.GROUP_SECURITY, smp.SEC_HELLO)
    for name in ("firmware.standard_commands", "firmware.trust_commands"):
        assert name not in sys.modules


def test_the_clock_goes_back_for_an_owner_only():
    for role in (security.ROLE_OPERATOR, security.ROLE_OWNER):
        node = Node()
        ask(node, smp.WRITE, 0, smp.OS_DATETIME, {"datetime": "2026-11-30T00:00:00"}, role=role)
        assert node.wall_clock.went_back == (role == security.ROLE_OWNER)

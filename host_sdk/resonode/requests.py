"""The requests of our own SMP group, as smpclient takes them."""

from __future__ import annotations

import re
from enum import IntEnum, unique
from typing import Any

from pydantic import (
    BaseModel,
    ConfigDict,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)
from smp import error, message

from resonode_wire.smp import (
    GROUP_NODE,
    NODE_ACK,
    NODE_CALIBRATION,
    NODE_CAPTURE,
    NODE_CONFIG,
    NODE_INFO,
    NODE_SELF_TEST,
    NODE_STREAM,
    NODE_UPKEEP,
)


class NodeErrorV1(error.ErrorV1):
    """Refusal: `rc` and the reason as text."""

    _GROUP_ID = GROUP_NODE


@unique
class NodeRc(IntEnum):
    """Return codes of the group; so far all refusals are of SMP's general kind."""

    OK = 0
    UNKNOWN = 1


class NodeErrorV2(error.ErrorV2[NodeRc]):
    """Refusal in the form of SMP version 2."""

    _GROUP_ID = GROUP_NODE


class _Group:
    _ErrorV1 = NodeErrorV1
    _ErrorV2 = NodeErrorV2


def spoken(request: type) -> str:
    """Return what messages call a request: ConfigRead "a look at its config"."""
    name = re.sub("(?<=[a-z])(?=[A-Z])", " ", request.__name__).lower()
    if name.endswith(" read"):
        return f"a look at its {name.removesuffix(' read')}"
    return f"the {name.removesuffix(' write')}"


class Reply(BaseModel):
    """What every answer of ours is: nothing that the node refused."""

    @model_validator(mode="before")
    @classmethod
    def _is_no_refusal(cls, body: Any) -> Any:
        # smpclient takes the first form that fits, and one without fields fits everything.
        if isinstance(body, dict) and ("rc" in body or "err" in body):
            raise ValueError("a refusal")
        return body


class _ReadReply(Reply, message.ReadResponse):
    # A newer node may tell more than we know.
    model_config = ConfigDict(extra="ignore", frozen=True)
    _GROUP_ID = GROUP_NODE


class _WriteReply(Reply, message.WriteResponse):
    model_config = ConfigDict(extra="ignore", frozen=True)
    _GROUP_ID = GROUP_NODE


class InfoReply(_ReadReply):
    """Who the node is and what it holds."""

    _COMMAND_ID = NODE_INFO

    node: str
    board: str
    firmware: str
    runtime: str
    wire: int
    profile: str
    sensors: tuple[str, ...]
    epoch: int
    first: int
    next: int
    t_us: int


class InfoRead(message.ReadRequest, _Group):
    """Ask who the node is."""

    _GROUP_ID = GROUP_NODE
    _COMMAND_ID = NODE_INFO
    _Response = InfoReply


class ConfigReadReply(_ReadReply):
    """The whole configuration."""

    _COMMAND_ID = NODE_CONFIG

    config: dict[str, Any]


class ConfigRead(message.ReadRequest, _Group):
    """Ask for the configuration."""

    _GROUP_ID = GROUP_NODE
    _COMMAND_ID = NODE_CONFIG
    _Response = ConfigReadReply


class ConfigWriteReply(_WriteReply):
    """The whole configuration after the change."""

    _COMMAND_ID = NODE_CONFIG

    config: dict[str, Any]


class ConfigWrite(message.WriteRequest, _Group):
    """Change some settings; refused whole if one of them is wrong."""

    _GROUP_ID = GROUP_NODE
    _COMMAND_ID = NODE_CONFIG
    _Response = ConfigWriteReply

    config: dict[str, Any]


class StreamReply(_WriteReply):
    """The first record that will come, and the next to be made."""

    _COMMAND_ID = NODE_STREAM

    first: int
    next: int


class StreamWrite(message.WriteRequest, _Group):
    """Start telemetry, from a record on if `from_seq` says so, or end it."""

    _GROUP_ID = GROUP_NODE
    _COMMAND_ID = NODE_STREAM
    _Response = StreamReply

    on: bool
    from_seq: int | None = None

    @model_serializer(mode="wrap")
    def _wire_names(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        # The wire's name is a word Python reserves.
        values: dict[str, Any] = handler(self)
        if "from_seq" in values:
            values["from"] = values.pop("from_seq")
        return values


class AckReply(_WriteReply):
    """The oldest record the node still keeps."""

    _COMMAND_ID = NODE_ACK

    first: int


class AckWrite(message.WriteRequest, _Group):
    """Everything up to `seq` is stored."""

    _GROUP_ID = GROUP_NODE
    _COMMAND_ID = NODE_ACK
    _Response = AckReply

    seq: int


class CaptureReply(_WriteReply):
    """The waveform that will come."""

    _COMMAND_ID = NODE_CAPTURE

    capture: int
    start: int
    total: int


class CaptureWrite(message.WriteRequest, _Group):
    """Ask for raw samples."""

    _GROUP_ID = GROUP_NODE
    _COMMAND_ID = NODE_CAPTURE
    _Response = CaptureReply

    count: int
    axes: str


class CalibrationReadReply(_ReadReply):
    """The sensor's calibration, as the node uses it."""

    _COMMAND_ID = NODE_CALIBRATION

    calibration: dict[str, Any]


class CalibrationRead(message.ReadRequest, _Group):
    """Ask for the sensor's calibration."""

    _GROUP_ID = GROUP_NODE
    _COMMAND_ID = NODE_CALIBRATION
    _Response = CalibrationReadReply


class CalibrationWriteReply(_WriteReply):
    """What is kept; the node restarts to use it."""

    _COMMAND_ID = NODE_CALIBRATION

    calibration: dict[str, Any]


class CalibrationWrite(message.WriteRequest, _Group):
    """Keep a calibration, or forget it: {}."""

    _GROUP_ID = GROUP_NODE
    _COMMAND_ID = NODE_CALIBRATION
    _Response = CalibrationWriteReply

    calibration: dict[str, Any]


class SelfTestReadReply(_ReadReply):
    """How the self-test went: `state` none, running, done or failed."""

    _COMMAND_ID = NODE_SELF_TEST

    state: str
    passed: bool | None = None
    change_g: list[float] | None = None
    least_g: list[float] | None = None
    most_g: list[float] | None = None
    why: str | None = None


class SelfTestRead(message.ReadRequest, _Group):
    """Ask how the self-test went."""

    _GROUP_ID = GROUP_NODE
    _COMMAND_ID = NODE_SELF_TEST
    _Response = SelfTestReadReply


class SelfTestWriteReply(_WriteReply):
    """It begins."""

    _COMMAND_ID = NODE_SELF_TEST


class SelfTestWrite(message.WriteRequest, _Group):
    """Let the accelerometer test itself."""

    _GROUP_ID = GROUP_NODE
    _COMMAND_ID = NODE_SELF_TEST
    _Response = SelfTestWriteReply


class UpkeepReadReply(_ReadReply):
    """The node's air sensors with what can be done to each, and how the last act went.

    `state` is none, running, done or failed; the rest is there once there was an act.
    """

    _COMMAND_ID = NODE_UPKEEP

    sensors: list[dict[str, Any]]
    state: str
    sensor: str | None = None
    place: str | None = None
    act: str | None = None
    result: dict[str, Any] | None = None
    why: str | None = None


class UpkeepRead(message.ReadRequest, _Group):
    """Ask what can be done to the air sensors."""

    _GROUP_ID = GROUP_NODE
    _COMMAND_ID = NODE_UPKEEP
    _Response = UpkeepReadReply


class UpkeepWriteReply(_WriteReply):
    """It begins."""

    _COMMAND_ID = NODE_UPKEEP


class UpkeepWrite(message.WriteRequest, _Group):
    """Do something to one of the air sensors."""

    _GROUP_ID = GROUP_NODE
    _COMMAND_ID = NODE_UPKEEP
    _Response = UpkeepWriteReply

    place: str
    act: str
    value: int | None = None

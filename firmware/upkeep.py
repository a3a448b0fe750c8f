# Runs on: MicroPython and CPython
# What is done to an air sensor when somebody asks: tests, cleaning, recalibration. Loaded for that.

from firmware.command import Refused, argument
from firmware.drivers import SensorError
from firmware.drivers.i2c_device import pause
from resonode_wire import smp
from resonode_wire.fields import EVENTS, MAX_TEXT

# chip -> act -> (least, most) of its value, () where it has none
ACTS: dict = {
    "scd41": {"self_test": (), "recalibrate": (400, 2000)},
    "sgp41": {"self_test": ()},
    "bme680": {"self_test": ()},
    "sps30": {"self_test": (), "clean": ()},
    "sht45": {"heat": ()},
}
# What a chip does while it measures; before anything else it is stopped.
_MEASURING = (("sps30", "self_test"), ("sps30", "clean"))
# An SCD41 is recalibrated after so long in the known air; longer pauses mean single shots.
_SAME_AIR_US = 180000000
_LONGEST_INTERVAL_S = 299


def report(air) -> dict:
    # What each sensor can be asked for, and how the last act went. air: None where there is none.
    if air is None:
        return {"sensors": [], "state": "none"}
    sensors = []
    for post in air.posts:
        name = post.chip.name
        acts = sorted(ACTS.get(name, {}))
        sensors.append({"sensor": name, "place": post.place, "acts": acts})
    answer = {"sensors": sensors}
    answer.update(air.upkeep)
    return answer


def request(air, arguments: dict) -> None:
    # Begins an act, or Refused.
    post = _post(air, argument(arguments, "place", str))
    act = argument(arguments, "act", str)
    limits = ACTS.get(post.chip.name, {}).get(act)
    if limits is None:
        raise Refused(smp.RC_INVALID, f"{post.chip.name} has no {act!r}")
    value = _value(arguments, act, limits)
    if air.upkeep["state"] == "running":
        raise Refused(smp.RC_BUSY, f"{air.upkeep['act']} of {air.upkeep['sensor']} is running")
    obstacle = _obstacle(post, act)
    if obstacle:
        raise Refused(smp.RC_BAD_STATE, f"{post.chip.name}: {obstacle}")
    air.upkeep = {"state": "running", "sensor": post.chip.name, "place": post.place, "act": act}
    post.task = (act, value)


def _post(air, place: str):
    posts = air.posts if air else []
    for post in posts:
        if post.place == place:
            return post
    places = ", ".join([post.place for post in posts]) or "none"
    raise Refused(smp.RC_INVALID, f"no air sensor at {place!r}; there are: {places}")


def _value(arguments: dict, act: str, limits: tuple):
    if not limits:
        return None
    value = argument(arguments, "value", int)
    if not limits[0] <= value <= limits[1]:
        raise Refused(smp.RC_INVALID, f"{act} takes {limits[0]}..{limits[1]}, not {value}")
    return value


def _obstacle(post, act: str) -> str:
    # What keeps the chip from it now.
    if post.lost:
        return "it does not answer"
    if (post.chip.name, act) in _MEASURING and not post.measures:
        return "it must measure for that (run, and a few seconds)"
    if act != "recalibrate":
        return ""
    if not post.measures:
        return "it must have measured for 3 minutes"
    if post.interval_s > _LONGEST_INTERVAL_S:
        return f"set air_period_s to {_LONGEST_INTERVAL_S} or less for it"
    left_us = post.started_us + _SAME_AIR_US - post.clock.now_us()
    if left_us > 0:
        return f"it must measure in that air for another {left_us // 1000000 + 1} s"
    return ""


async def perform(post, node, air) -> None:
    # Does what `request` has begun; says so in a record, on the console and to whoever asks.
    act, value = post.task
    post.task = None
    told: dict = {"state": "failed", "why": "an error in the firmware: the console has told it"}
    words = "failed"
    try:
        result = await _do(post, act, value)
        told = {"state": "done", "result": result}
        words = ", ".join([f"{name} {result[name]}" for name in sorted(result)]) or "done"
    except (SensorError, OSError) as error:
        told = {"state": "failed", "why": str(error)}
        words = "failed: " + str(error)
    finally:
        air.upkeep.update(told)
    detail = f"{act} {value}: {words}" if value is not None else f"{act}: {words}"
    node.link.log(f"air: {post.chip.name} at {post.place}: {detail}")
    fields = {
        "event": EVENTS.index("serviced"),
        "sensor": post.chip.name,
        "place": post.place,
        "detail": detail[:MAX_TEXT],
    }
    node.store.add("event", fields, cause="request")


async def _do(post, act: str, value) -> dict:
    chip = post.chip
    if (chip.name, act) in _MEASURING:
        if act == "self_test":
            return await chip.self_test()
        await chip.clean()
        # It gives nothing new meanwhile.
        await pause(post.clock, chip.clean_us)
        return {}
    post.started = False  # it starts anew afterwards, and warms up
    await chip.stop()
    if act == "recalibrate":
        return {"corrected_ppm": await chip.recalibrate(value)}
    if act == "heat":
        return await chip.heat()
    if chip.name != "bme680":
        return await chip.self_test()
    from firmware import bme680_test

    return await bme680_test.run(chip)

"""Air sensors on a whole node but its link: store, counters, configuration and the Air task."""

# In a node's program: `node` with what Air wants, and `records()` of what it has made.
NODE = """
from firmware.agenda import Agenda
from firmware.air import Air
from firmware.config import defaults
from firmware.counters import Counters
from firmware.store import RecordStore
from resonode_wire import message

class Sequence:
    epoch, next, first_lost = 1, 0, -1
    def take(self):
        self.next += 1
        return self.next - 1

class Link:
    def log(self, text):
        say(["log", clock.now_us() / 1e6, text])

class Node:
    measures = True
    def __init__(self, **settings):
        self.config = defaults()
        self.config.update(settings)
        self.counters = Counters()
        self.store = RecordStore(Sequence(), clock, self.counters, 100000)
        self.link = Link()
        self.agenda = Agenda()
    def report(self, task, error):
        self.counters.task_errors += 1
        self.link.log(task + ": " + str(error))

def records(node):
    # What was made since the last time, told to the test and let go.
    for seq in range(node.store.first, node.store.next):
        name, values = message.decode(node.store.get(seq))
        say([name, values])
    node.store.acknowledge(node.store.next - 1)

async def air(node, sensors, ends_s, look_s):
    # Runs Air until board time `ends_s`, telling the records as they come.
    task = asyncio.create_task(Air(node, sensors, clock).run())
    while clock.now_us() < ends_s * 1000000:
        await sleep_s(look_s)
        records(node)
    task.cancel()
"""

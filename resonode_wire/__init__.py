"""The Resonode wire: frames, SMP, CBOR and records, the same files on node and host.

Runs on: MicroPython and CPython. WIRE.md beside this file is the specification.
"""

WIRE_VERSION = 1

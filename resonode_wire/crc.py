"""CRC-16/XMODEM: polynomial 0x1021, initial value 0, no reflection, no final XOR.

Runs on: MicroPython and CPython. The check value of b"123456789" is 0x31C3.
"""

try:
    from binascii import crc_hqx

    def crc16(data, crc: int = 0) -> int:
        """Return the CRC-16/XMODEM of `data`, continuing from `crc`."""
        return crc_hqx(data, crc)

except ImportError:  # MicroPython's binascii has only crc32
    from resonode_wire._viper import crc16  # noqa: F401

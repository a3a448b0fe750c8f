# Runs on: MicroPython and CPython
# One module per sensor chip. Buses, pins and the clock are passed in.
#
# Accelerometers have one interface. They all fill a FIFO and say on an interrupt line that enough
# waits in it; nobody polls them. A chip's module holds
#
#   NAME                               as boards/*/board.json spells it
#   I2C_ADDRESSES                      where it may answer, () when it has no I2C
#   SPI_OPTIONS                        of machine.SPI, {} when it has no SPI
#   over_spi(spi, cs, clock)           the chip on a bus
#   over_i2c(i2c, address, clock)
#
# and the chip itself is an Accelerometer (accelerometer.py):
#
#   name, rate_hz, rate_error          nominal; how far a chip may be off, of the rate
#   full_scales_g, scale_m_s2(g)       ranges; one LSB of the 16-bit samples it gives
#   max_hz                             where its pass band ends
#   fifo_entries, watermarks           entries the FIFO holds; (fewest, most) of one burst
#   entry_bytes                        size of one
#   defaults                           settings for which firmware/config.py's own are wrong
#   identify()                         SensorError unless it is there and is this chip
#   await configure(full_scale_g, watermark)   reset and set up; the FIFO stays empty
#   start(), stop()                    sample 0 is the first after start()
#   burst(x, y, z, at) -> count        reads a watermark of entries into arrays of int16 from `at`
#                                      on, and says
#       .overrun                       samples were overwritten: none of this burst is given
#       .first                         index of the first sample given, None: the chip cannot know
#       .waiting, .looked_us           samples that were left in the FIFO at that time
#   level() -> entries waiting         sets .overrun
#   known_rate() -> (hz, error)        what the chip itself knows of its rate
#   temperature_c()                    of the chip, None when it has no thermometer
#   await self_test() -> dict          passed, and in g, by axis: change_g, least_g, most_g
#
# Air sensors have another: they are slow, have no interrupt line, and are asked one reading at a
# time. A chip's module holds
#
#   NAME                               as boards/*/board.json spells it
#   I2C_ADDRESSES, UART_BAUDRATE       where it may answer; () and 0 when it cannot
#   over_i2c(i2c, address, clock)      the chip on a bus
#   over_uart(uart, clock)
#
# and the chip:
#
#   name                               of what identify() found
#   interval_s                         shortest time from reading to reading
#   paced                              it must be read every interval_s, whatever is recorded
#   ready_us                           board time from which values are of its accuracy
#   await identify()                   SensorError unless it is there and is this chip; ends a
#                                      measurement that an earlier life has left running
#   quiet_us                           where it may have nothing new for so long, and be well
#   SETTINGS                           where it has any: names in a configuration for start()
#   await start(interval_s, **settings)   after identify(); readings will be asked for that far
#                                      apart, and the first can be read when it returns
#   await read() -> dict               values by their names in an air record, None: nothing new
#   await stop()                       rest, and save power
#   compensate(air)                    where it needs what other sensors measure, by those names
#   await self_test() -> dict          where it has one, at rest: passed, and what was found


class SensorError(Exception):
    # A chip that is absent, unknown, or does not do what it was told.
    pass

// The channel to the rig, UART 1: it answers the buses, holds the interrupt lines and has the time.
// Messages are those of resonode_wire/bus.py. One request at a time, and each is answered before
// the function returns; none of this is the firmware's work (clock_leave), for it is hardware.
#pragma once

#include <stddef.h>
#include <stdint.h>

enum { BUS_SPI = 1, BUS_WAIT, BUS_TIME, BUS_I2C, BUS_UART_WRITE, BUS_UART_READ };

// A request: its head, then `more` bytes in any number of pieces, then the answer. bus_hear puts at
// most `size` bytes into `data` and returns how many came, or -errno.
void bus_ask(const uint8_t *head, size_t size, size_t more);
void bus_tell(const void *data, size_t size);
int bus_hear(void *data, size_t size);

// The board's time, µs since the rig began: as of the last answer, which is no older than a tick.
uint64_t bus_now_us(void);

#define BUS_NEVER_US (1ull << 62)

// Lets time pass until then.
void bus_pass(uint64_t until_us);
// Until then, or a watched line rises (lines.h), or something else happens (clock_event).
void bus_wait(uint64_t until_us);

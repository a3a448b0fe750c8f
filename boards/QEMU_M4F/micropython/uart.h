// The three UARTs. Reception is by interrupt into a ring; a full ring leaves the byte in the
// device, and the emulator then keeps the rest for later, so nothing is overrun.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { UART_CONSOLE, UART_BUS, UART_RADIO, UARTS };

void uart_init(void);
void uart_console_interrupt(void);
void uart_bus_interrupt(void);
void uart_radio_interrupt(void);

// Bytes waiting.
size_t uart_any(int port);
// Takes at most `size` waiting bytes; returns how many.
size_t uart_read(int port, uint8_t *data, size_t size);

// Whether the device takes another byte. It does not while the other end reads nothing.
bool uart_writable(int port);
// Sends until the device takes no more; returns how many.
size_t uart_write(int port, const uint8_t *data, size_t size);
// Sends everything, however long that takes.
void uart_write_all(int port, const void *data, size_t size);

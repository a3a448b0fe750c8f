// The console is UART 0.

#include "clock.h"
#include "py/mphal.h"
#include "py/runtime.h"
#include "py/stream.h"
#include "uart.h"

uintptr_t mp_hal_stdio_poll(uintptr_t flags) {
    uintptr_t ready = 0;
    if ((flags & MP_STREAM_POLL_RD) && uart_any(UART_CONSOLE)) {
        ready |= MP_STREAM_POLL_RD;
    }
    if ((flags & MP_STREAM_POLL_WR) && uart_writable(UART_CONSOLE)) {
        ready |= MP_STREAM_POLL_WR;
    }
    return ready;
}

static bool byte_came(void) {
    return uart_any(UART_CONSOLE) != 0;
}

int mp_hal_stdin_rx_chr(void) {
    uint8_t byte;
    while (!uart_read(UART_CONSOLE, &byte, 1)) {
        // The next one mostly comes soon, and telling the rig takes longer.
        clock_rest(byte_came);
        if (!byte_came()) {
            mp_event_wait_indefinite();
        }
    }
    return byte;
}

mp_uint_t mp_hal_stdout_tx_strn(const char *text, size_t size) {
    uart_write_all(UART_CONSOLE, text, size);
    return size;
}

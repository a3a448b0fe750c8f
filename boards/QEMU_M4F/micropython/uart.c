#include "uart.h"

#include "chip.h"
#include "clock.h"
#include "py/mphal.h"
#include "py/runtime.h"

#define RING 1024  // a power of two

static uart_regs *const devices[UARTS] = {
    (uart_regs *)0x40004000,
    (uart_regs *)0x40005000,
    (uart_regs *)0x40006000,
};

static struct {
    uint8_t bytes[RING];
    volatile uint32_t in, out;  // counted on and on: their difference is what waits
    volatile bool was_full;
    volatile bool blocked;  // somebody found that the device takes no more
} rings[UARTS];

void uart_init(void) {
    for (int port = 0; port < UARTS; ++port) {
        devices[port]->baud = CPU_HZ / 115200;  // the emulator sends at once, but wants 16 or more
        devices[port]->ctrl = UART_TX_ON | UART_RX_ON | UART_TX_INT | UART_RX_INT;
    }
    NVIC_ISER0 = (1u << 2 * UARTS) - 1;
}

static void take(int port, uint8_t byte) {
#if MICROPY_KBD_EXCEPTION
    if (port == UART_CONSOLE && byte == mp_interrupt_char) {
        mp_sched_keyboard_interrupt();
        return;
    }
#endif
    rings[port].bytes[rings[port].in % RING] = byte;
    ++rings[port].in;
}

// Moves what the device holds into the ring, as far as there is room. A byte that comes after the
// last look raises the interrupt again.
static void drain(int port) {
    uart_regs *device = devices[port];
    device->interrupt = UART_INT_RX | UART_INT_TX;
    uint32_t before = rings[port].in;
    while (rings[port].in - rings[port].out < RING && (device->state & UART_RX_FULL)) {
        take(port, device->data);
    }
    rings[port].was_full = rings[port].in - rings[port].out == RING;
    if (rings[port].in != before || rings[port].blocked) {
        rings[port].blocked = false;
        if (port != UART_BUS) {
            clock_event();
        }
    }
}

void uart_console_interrupt(void) {
    drain(UART_CONSOLE);
}

void uart_bus_interrupt(void) {
    clock_leave();
    drain(UART_BUS);
    clock_return();
}

void uart_radio_interrupt(void) {
    drain(UART_RADIO);
}

size_t uart_any(int port) {
    return rings[port].in - rings[port].out;
}

size_t uart_read(int port, uint8_t *data, size_t size) {
    size_t got = 0;
    while (got < size && uart_any(port)) {
        data[got++] = rings[port].bytes[rings[port].out % RING];
        ++rings[port].out;
    }
    if (rings[port].was_full) {
        // A byte waits in the device for the room that is there now: its interrupt is over.
        uint32_t state = disable_interrupts();
        drain(port);
        restore_interrupts(state);
    }
    return got;
}

bool uart_writable(int port) {
    rings[port].blocked = devices[port]->state & UART_TX_FULL;
    return !rings[port].blocked;
}

size_t uart_write(int port, const uint8_t *data, size_t size) {
    size_t sent = 0;
    while (sent < size && uart_writable(port)) {
        devices[port]->data = data[sent++];
    }
    return sent;
}

void uart_write_all(int port, const void *data, size_t size) {
    const uint8_t *from = data;
    while (size) {
        size_t sent = uart_write(port, from, size);
        from += sent;
        size -= sent;
        if (size) {
            clock_rest(NULL);  // the device says when it is ready
        }
    }
}

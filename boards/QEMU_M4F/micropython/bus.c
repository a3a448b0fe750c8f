#include "bus.h"

#include <stdbool.h>
#include <string.h>

#include "clock.h"
#include "host.h"
#include "lines.h"
#include "py/runtime.h"
#include "uart.h"

#define REPLY_HEADER 10    // status u8 | levels u8 | t_us u64le
#define RIG_GONE_MS 60000  // the rig answers at once; one that has not for so long is gone
// Looks for the answer this often before it sleeps: waking up takes the emulator longer.
#define IMPATIENCE 200

static uint64_t heard_us;               // the rig's time as of its last answer,
static uint32_t heard_ms = UINT32_MAX;  // and the chip's: never so far

static bool something_came(void) {
    return uart_any(UART_BUS) != 0;
}

static void receive(void *into, size_t size) {
    uint8_t *at = into;
    uint32_t start_ms = clock_ms();
    for (uint32_t looks = 0; size; ++looks) {
        size_t got = uart_read(UART_BUS, at, size);
        at += got;
        size -= got;
        if (!got && looks > IMPATIENCE) {
            clock_rest(something_came);
        }
        if (clock_ms() - start_ms > RIG_GONE_MS) {
            host_exit(RIG_GONE_EXIT_CODE);
        }
    }
}

void bus_ask(const uint8_t *head, size_t size, size_t more) {
    clock_leave();
    uint16_t length = size + more;
    uart_write_all(UART_BUS, &length, sizeof(length));
    uart_write_all(UART_BUS, head, size);
    clock_return();
}

void bus_tell(const void *data, size_t size) {
    clock_leave();
    uart_write_all(UART_BUS, data, size);
    clock_return();
}

int bus_hear(void *data, size_t size) {
    clock_leave();
    uint8_t answer[2 + REPLY_HEADER];
    receive(answer, sizeof(answer));
    size_t came = (answer[0] | answer[1] << 8) - REPLY_HEADER;
    if (came > size) {
        // What is left of it would be taken for the next answer.
        host_say("the rig answered more than it was asked for\n");
        host_exit(RIG_GONE_EXIT_CODE);
    }
    receive(data, came);
    memcpy(&heard_us, answer + 4, sizeof(heard_us));
    heard_ms = clock_ms();
    clock_return();
    lines_are(answer[3]);
    return answer[2] ? -answer[2] : (int)came;
}

static void ask_time(void) {
    uint8_t head[] = {BUS_TIME};
    bus_ask(head, sizeof(head), 0);
}

static void ask_to_wait(uint8_t mask, uint64_t until_us) {
    uint8_t head[10] = {BUS_WAIT, mask};
    memcpy(head + 2, &until_us, sizeof(until_us));
    bus_ask(head, sizeof(head), 0);
}

uint64_t bus_now_us(void) {
    // A clock that ticks in steps of a millisecond would do for asyncio; the sampler's time stamps
    // are taken after a transfer, so they are exact.
    if (clock_ms() != heard_ms) {
        ask_time();
        bus_hear(NULL, 0);
    }
    return heard_us;
}

void bus_pass(uint64_t until_us) {
    ask_to_wait(0, until_us);
    bus_hear(NULL, 0);
}

static bool enough(void) {
    return something_came() || clock_has_event();
}

void bus_wait(uint64_t until_us) {
    ask_to_wait(lines_watched(), until_us);
    while (!enough()) {
        clock_rest(enough);
    }
    // A request that comes during a WAIT ends it, and both are answered.
    bool early = !something_came();
    if (early) {
        ask_time();
    }
    bus_hear(NULL, 0);
    if (early) {
        bus_hear(NULL, 0);
    }
}

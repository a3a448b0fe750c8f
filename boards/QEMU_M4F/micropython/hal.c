// Time as MicroPython knows it, and what it does where it waits. The time is the rig's: it may pass
// at another pace than the computer's, or only where the board waits.

#include "bus.h"
#include "clock.h"
#include "host.h"
#include "py/mphal.h"
#include "py/runtime.h"

static uint32_t began_s;  // the date when the rig's time was 0

void hal_init(void) {
    began_s = host_time_s() - (uint32_t)(bus_now_us() / 1000000);
}

mp_uint_t mp_hal_ticks_ms(void) {
    return (mp_uint_t)(bus_now_us() / 1000);
}

mp_uint_t mp_hal_ticks_us(void) {
    return (mp_uint_t)bus_now_us();
}

// Of the chip's own clock: for counting what code takes.
mp_uint_t mp_hal_ticks_cpu(void) {
    return (mp_uint_t)clock_cycles();
}

uint64_t mp_hal_time_ns(void) {
    return began_s * 1000000000ull + bus_now_us() * 1000;
}

void hal_wait(mp_uint_t most_ms) {
    if (!clock_has_event()) {
        // To the end of a millisecond, as asyncio counts them.
        bool for_ever = most_ms == (mp_uint_t)-1;
        bus_wait(for_ever ? BUS_NEVER_US : (bus_now_us() / 1000 + most_ms) * 1000);
    }
    clock_forget_event();
    mp_handle_pending(true);  // what a line has called, before anybody looks for its effect
}

void mp_hal_delay_ms(mp_uint_t ms) {
    for (mp_uint_t start = mp_hal_ticks_ms(), passed = 0; passed < ms;) {
        mp_event_wait_ms(ms - passed);
        passed = mp_hal_ticks_ms() - start;
    }
}

void mp_hal_delay_us(mp_uint_t us) {
    bus_pass(bus_now_us() + us);
}

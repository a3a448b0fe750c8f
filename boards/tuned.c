// What tuned.h asks for, done whenever MicroPython starts.

#include "py/pystack.h"
#include "py/runtime.h"

#define PYSTACK_BYTES 2560

// The nRF52840 runs from flash with wait states, and its cache for instructions is off until somebody
// turns it on, which upstream's port does not. Register ICACHECNF of the NVMC, bit 0. Only once: a
// SoftDevice that was turned on since does not let others write there.
static void turn_cache_on(void) {
#ifdef NRF52840_XXAA
    static bool done;
    if (!done) {
        *(volatile uint32_t *)0x4001E540 = 1;
        done = true;
    }
#endif
}

void tuned_init(void) {
    static uint64_t pystack[PYSTACK_BYTES / sizeof(uint64_t)];
    mp_pystack_init(pystack, pystack + PYSTACK_BYTES / sizeof(uint64_t));
    turn_cache_on();
}

#pragma once

#include <stddef.h>
#include <stdint.h>

#include "shared/runtime/interrupt_char.h"

static inline uint32_t disable_interrupts(void) {
    uint32_t state;
    __asm volatile("mrs %0, primask\n cpsid i" : "=r"(state)::"memory");
    return state;
}

static inline void restore_interrupts(uint32_t state) {
    __asm volatile("msr primask, %0" ::"r"(state) : "memory");
}

#define MICROPY_BEGIN_ATOMIC_SECTION() disable_interrupts()
#define MICROPY_END_ATOMIC_SECTION(state) restore_interrupts(state)

void hal_init(void);
// Until something happens, or so long; -1 is for ever.
void hal_wait(mp_uint_t most_ms);
#define MICROPY_INTERNAL_WFE(timeout_ms) hal_wait(timeout_ms)

void mp_hal_set_interrupt_char(int c);

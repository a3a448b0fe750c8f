// Time since power-on, from SysTick at 1 kHz; the date is the computer's.

#include "clock.h"

#include <stdbool.h>

#include "chip.h"
#include "host.h"
#include "py/mphal.h"
#include "py/runtime.h"

#define TICK (CPU_HZ / 1000)

static volatile uint32_t now_ms;
static uint32_t boot_s;

void clock_init(void) {
    boot_s = host_time_s();
    SYSTICK->rvr = TICK - 1;
    SYSTICK->cvr = 0;
    SYSTICK->csr = 7;  // on, with interrupt, from the CPU's clock
}

void clock_tick(void) {
    ++now_ms;
}

// CPU clocks since power-on.
static uint64_t clocks(void) {
    uint32_t state = disable_interrupts();
    uint32_t ms = now_ms, left = SYSTICK->cvr;
    if (SCB_ICSR & ICSR_PENDSTSET) {  // it wrapped and the interrupt is still to come
        left = SYSTICK->cvr;
        ++ms;
    }
    restore_interrupts(state);
    return (uint64_t)ms * TICK + (TICK - 1 - left);
}

static int away;  // how many have left and not returned
static uint64_t left_at, elsewhere;
volatile uint64_t clock_worked;

void clock_leave(void) {
    uint32_t state = disable_interrupts();
    if (away++ == 0) {
        left_at = clocks();
        clock_worked = left_at - elsewhere;
    }
    restore_interrupts(state);
}

void clock_return(void) {
    uint32_t state = disable_interrupts();
    if (--away == 0) {
        elsewhere += clocks() - left_at;
    }
    restore_interrupts(state);
}

uint64_t clock_work(void) {
    return clocks() - elsewhere;
}

static volatile bool event;  // kept until somebody sleeps: one that came before is not missed

void clock_event(void) {
    event = true;
}

void clock_sleep(uint32_t most_ms) {
    clock_leave();
    for (uint32_t start = now_ms; !event && now_ms - start < most_ms;) {
        __asm volatile("wfi");
    }
    event = false;
    clock_return();
}

mp_uint_t mp_hal_ticks_ms(void) {
    return now_ms;
}

mp_uint_t mp_hal_ticks_us(void) {
    return (mp_uint_t)(clocks() / (CPU_HZ / 1000000));
}

mp_uint_t mp_hal_ticks_cpu(void) {
    return (mp_uint_t)clocks();
}

uint64_t mp_hal_time_ns(void) {
    return boot_s * 1000000000ull + clocks() * (1000000000 / CPU_HZ);
}

void mp_hal_delay_ms(mp_uint_t ms) {
    for (uint32_t start = now_ms; now_ms - start < ms;) {
        mp_event_wait_ms(1);
    }
}

void mp_hal_delay_us(mp_uint_t us) {
    for (mp_uint_t start = mp_hal_ticks_us(); mp_hal_ticks_us() - start < us;) {
    }
}

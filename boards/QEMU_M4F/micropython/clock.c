#include "clock.h"

#include "chip.h"
#include "py/mphal.h"

#define TICK (CPU_HZ / 1000)

static volatile uint32_t now_ms;

void clock_init(void) {
    SYSTICK->rvr = TICK - 1;
    SYSTICK->cvr = 0;
    SYSTICK->csr = 7;  // on, with interrupt, from the CPU's clock
}

void clock_tick(void) {
    ++now_ms;
}

uint32_t clock_ms(void) {
    return now_ms;
}

uint64_t clock_cycles(void) {
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
        left_at = clock_cycles();
        clock_worked = left_at - elsewhere;
    }
    restore_interrupts(state);
}

void clock_return(void) {
    uint32_t state = disable_interrupts();
    if (--away == 0) {
        elsewhere += clock_cycles() - left_at;
    }
    restore_interrupts(state);
}

uint64_t clock_work(void) {
    return clock_cycles() - elsewhere;
}

void clock_rest(bool (*enough)(void)) {
    // With interrupts held back, or the one that is waited for could come between the look and the
    // sleep. One that is held back wakes all the same.
    uint32_t state = disable_interrupts();
    clock_leave();
    if (!enough || !enough()) {
        __asm volatile("wfi");
    }
    clock_return();
    restore_interrupts(state);
}

static volatile bool event;

void clock_event(void) {
    event = true;
}

bool clock_has_event(void) {
    return event;
}

void clock_forget_event(void) {
    event = false;
}

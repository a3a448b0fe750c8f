// The chip's own clock, SysTick. The board's time is another: the rig's (bus.h).
#pragma once

#include <stdbool.h>
#include <stdint.h>

void clock_init(void);
void clock_tick(void);  // the interrupt, every millisecond

// Since power-on.
uint32_t clock_ms(void);
uint64_t clock_cycles(void);

// Sleeps until the next interrupt, but not if `enough`, which an interrupt may have made so; NULL:
// no matter what.
void clock_rest(bool (*enough)(void));

// Something happened that MicroPython may wait for: kept until it is looked at, so that one that
// came before the wait is not missed.
void clock_event(void);
bool clock_has_event(void);
void clock_forget_event(void);

// What the firmware itself takes: CPU clocks since power-on without those between clock_leave and
// clock_return, where it sleeps or stands in for hardware. Pairs may be nested. `clock_worked` is
// as of the last clock_leave, for a reader outside.
void clock_leave(void);
void clock_return(void);
extern volatile uint64_t clock_worked;
uint64_t clock_work(void);  // the same as of now, for the firmware itself

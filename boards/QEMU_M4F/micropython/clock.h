#pragma once

#include <stdint.h>

void clock_init(void);
void clock_tick(void);  // the interrupt, every millisecond

// Sleeps until another interrupt than the clock's has called clock_event, or so long.
void clock_sleep(uint32_t most_ms);
void clock_event(void);

// What the firmware itself takes: CPU clocks since power-on without those between clock_leave and
// clock_return, where it sleeps or stands in for hardware. Pairs may be nested. `clock_worked` is
// as of the last clock_leave, for a reader outside.
void clock_leave(void);
void clock_return(void);
extern volatile uint64_t clock_worked;
uint64_t clock_work(void);  // the same as of now, for the firmware itself

#pragma once

void clock_init(void);
void clock_tick(void);  // the interrupt, every millisecond

// The eight interrupt lines: their levels as the rig last told, and who is called when they change.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "py/obj.h"

#define LINES 8

enum { LINE_RISES = 1, LINE_FALLS = 2 };

// At the start of MicroPython's life: nobody is called.
void lines_init(void);

// What the rig tells. Handlers are scheduled: they run between two bytecodes.
void lines_are(uint8_t levels);

bool line_is_high(int line);
// handler(argument) is called at those edges; None takes it away.
void line_watch(int line, mp_obj_t handler, mp_obj_t argument, int edges);
// Those whose rise calls somebody, and that can rise, as a mask.
uint8_t lines_watched(void);

#include "lines.h"

#include "clock.h"
#include "py/runtime.h"

static uint8_t now_high, rise_calls, fall_calls;
static mp_obj_t arguments[LINES];  // pins, which no collection takes

MP_REGISTER_ROOT_POINTER(mp_obj_t line_handlers[8]);

void lines_init(void) {
    rise_calls = fall_calls = 0;
    for (int line = 0; line < LINES; ++line) {
        MP_STATE_PORT(line_handlers)[line] = mp_const_none;
    }
}

void lines_are(uint8_t levels) {
    uint8_t rose = levels & ~now_high, fell = now_high & ~levels;
    now_high = levels;
    uint8_t called = (rose & rise_calls) | (fell & fall_calls);
    for (int line = 0; called >> line; ++line) {
        if (called >> line & 1) {
            mp_sched_schedule(MP_STATE_PORT(line_handlers)[line], arguments[line]);
            clock_event();
        }
    }
}

bool line_is_high(int line) {
    return now_high >> line & 1;
}

void line_watch(int line, mp_obj_t handler, mp_obj_t argument, int edges) {
    uint8_t mask = 1 << line;
    bool called = handler != mp_const_none;
    MP_STATE_PORT(line_handlers)[line] = handler;
    arguments[line] = argument;
    rise_calls = (rise_calls & ~mask) | (called && (edges & LINE_RISES) ? mask : 0);
    fall_calls = (fall_calls & ~mask) | (called && (edges & LINE_FALLS) ? mask : 0);
}

uint8_t lines_watched(void) {
    return rise_calls & ~now_high;
}

// From reset to main, and what happens when the program goes wrong.

#include "chip.h"
#include "clock.h"
#include "host.h"
#include "uart.h"

extern uint32_t _stack_end, _data_load, _data_start, _data_end, _bss_start, _bss_end;
int main(void);

static void reset(void) {
    SCB_CPACR |= CPACR_FPU;
    __asm volatile("dsb\n isb");
    for (uint32_t *from = &_data_load, *to = &_data_start; to < &_data_end;) {
        *to++ = *from++;
    }
    for (uint32_t *to = &_bss_start; to < &_bss_end;) {
        *to++ = 0;
    }
    clock_init();
    uart_init();
    main();
    host_exit(0);
}

static void say_word(const char *name, uint32_t word) {
    char digits[] = "00000000";
    for (int i = 7; i >= 0; --i, word >>= 4) {
        digits[i] = "0123456789abcdef"[word & 15];
    }
    host_say(name);
    host_say(digits);
}

// The emulator ends: a board that hangs would look like one that thinks.
__attribute__((used)) static void crashed(const uint32_t *frame) {
    say_word("fault at ", frame[6]);
    say_word(" called from ", frame[5]);
    say_word(" cfsr ", SCB_CFSR);
    say_word(" bfar ", SCB_BFAR);
    host_say("\n");
    host_exit(CRASH_EXIT_CODE);
}

// On a stack of its own: the fault may be that the other one is used up.
static uint32_t fault_stack[128];

__attribute__((naked)) static void fault(void) {
    __asm volatile("mrs r0, msp\n"
                   "ldr r1, =%c0\n"
                   "msr msp, r1\n"
                   "b crashed\n" ::"i"(fault_stack + 128));
}

__attribute__((used, section(".vectors"))) void *const vectors[16 + 32] = {
    &_stack_end,
    reset,
    fault,
    fault,
    fault,
    fault,
    fault,
    0,
    0,
    0,
    0,
    fault,
    fault,
    0,
    fault,
    clock_tick,
    [16 + 0] = uart_console_interrupt,
    [16 + 1] = uart_console_interrupt,  // received, sent
    [16 + 2] = uart_bus_interrupt,
    [16 + 3] = uart_bus_interrupt,
    [16 + 4] = uart_radio_interrupt,
    [16 + 5] = uart_radio_interrupt,
};

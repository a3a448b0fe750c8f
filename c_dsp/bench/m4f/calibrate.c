// Counts a loop of known length: n rounds are 2 n + 3 instructions.
#include "harness.h"

uint32_t calibrate_rounds;

__attribute__((naked)) static void loop(void) {
    __asm__ volatile("ldr r0, =calibrate_rounds\n"
                     "ldr r0, [r0]\n"
                     "1: subs r0, #1\n"
                     "bne 1b\n"
                     "bx lr\n"
                     ".ltorg");
}

int main(void) {
    counter_start();
    for (uint32_t n = 1; n < 3000000; n = 3 * n + 1) {
        calibrate_rounds = n;
        print_number("rounds", n);
        print_number("instructions", count_instructions(loop));
    }
    return 0;
}

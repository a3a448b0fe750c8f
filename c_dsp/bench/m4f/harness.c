#include "harness.h"

#include <string.h>

extern uint32_t stack_top, data_image, data_start, data_end, bss_start, bss_end;
int main(void);
void reset(void);

// ---- semihosting -------------------------------------------------------------------------------

enum { SYS_OPEN = 0x01, SYS_CLOSE = 0x02, SYS_WRITE0 = 0x04, SYS_WRITE = 0x05, SYS_EXIT = 0x20 };

static uint32_t host(uint32_t operation, const void *argument) {
    register uint32_t r0 __asm__("r0") = operation;
    register const void *r1 __asm__("r1") = argument;
    __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
    return r0;
}

static void leave(uint32_t code) {
    const uint32_t arguments[2] = {0x20026, code};  // ADP_Stopped_ApplicationExit
    host(SYS_EXIT, arguments);
    for (;;) {
    }
}

void print(const char *text) {
    host(SYS_WRITE0, text);
}

void print_number(const char *name, uint32_t value) {
    char digits[12], *p = digits + sizeof digits;
    *--p = 0;
    do {
        *--p = (char)('0' + value % 10);
        value /= 10;
    } while (value);
    print(name);
    print(" ");
    print(p);
    print("\n");
}

void write_file(const char *name, const void *data, size_t n_bytes) {
    const uint32_t open[3] = {(uint32_t)name, 5 /* "wb" */, strlen(name)};
    const uint32_t file = host(SYS_OPEN, open);
    const uint32_t write[3] = {file, (uint32_t)data, n_bytes};
    host(SYS_WRITE, write);
    const uint32_t close[1] = {file};
    host(SYS_CLOSE, close);
}

// ---- counter -----------------------------------------------------------------------------------

// CMSDK timer 0 counts down at 25 MHz. With -icount shift=7 an instruction takes 128 ns, that is
// 3.2 ticks: more than two, so that rounding to whole instructions is exact.
#define TIMER ((volatile uint32_t *)0x40000000)

void counter_start(void) {
    TIMER[0] = 0;
    TIMER[2] = 0xffffffffu;
    TIMER[1] = 0xffffffffu;
    TIMER[0] = 1;
}

// Where the trace of the cycle model begins and ends.
__attribute__((noinline)) void trace_begin(void) {
    __asm__ volatile("" ::: "memory");
}

__attribute__((noinline)) void trace_end(void) {
    __asm__ volatile("" ::: "memory");
}

static __attribute__((noinline)) uint32_t ticks(void (*run)(void)) {
    trace_begin();
    const uint32_t before = TIMER[1];
    run();
    const uint32_t after = TIMER[1];
    trace_end();
    return before - after;
}

static void nothing(void) {}

uint32_t count_instructions(void (*run)(void)) {
    const uint32_t overhead = ticks(nothing);
    const uint32_t total = ticks(run);
    // One for the return of `nothing`, which is in the overhead and is `run`'s own.
    return (uint32_t)(((uint64_t)(total - overhead) * 10 + 16) / 32) + 1;
}

// ---- start -------------------------------------------------------------------------------------

void reset(void) {
    *(volatile uint32_t *)0xe000ed88 |= 0xfu << 20;  // CPACR: the FPU
    __asm__ volatile("dsb\nisb");
    memcpy(&data_start, &data_image, (size_t)((char *)&data_end - (char *)&data_start));
    memset(&bss_start, 0, (size_t)((char *)&bss_end - (char *)&bss_start));
    leave((uint32_t)main());
}

static void fault(void) {
    print("FAULT\n");
    leave(99);
}

__attribute__((section(".vectors"), used)) static void (*const vectors[16])(void) = {
    (void (*)(void))&stack_top, reset, fault, fault, fault, fault, fault};

// KISS FFT refers to malloc and to error messages that it does not use here.
void *_sbrk(int n) {
    (void)n;
    return (void *)-1;
}

// Start-up, semihosting and an exact instruction counter for `qemu-system-arm -M mps2-an386`.
#ifndef RESONODE_BENCH_HARNESS_H
#define RESONODE_BENCH_HARNESS_H

#include <stddef.h>
#include <stdint.h>

#define BENCH_N_MAX 16384

// What a measurement is of. bench_prepare returns the bytes of RAM that hold tables (0: none).
uint32_t bench_prepare(void);
void bench_run(void);
// The output of bench_run, for the host to judge.
const void *bench_output(size_t *n_bytes);

// Inputs: noise of full scale, and the same at -40 dBFS. Filled before bench_prepare.
extern float bench_f32[BENCH_N_MAX];
extern int16_t bench_q15[BENCH_N_MAX];
extern float bench_window[BENCH_N_MAX];

void print(const char *text);
void print_number(const char *name, uint32_t value);
void write_file(const char *name, const void *data, size_t n_bytes);

// Instructions that `run` executes, with its own return but without the call.
void counter_start(void);
uint32_t count_instructions(void (*run)(void));

#endif

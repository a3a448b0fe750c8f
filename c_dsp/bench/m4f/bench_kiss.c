#include "harness.h"
#include "kiss_fftr.h"

static kiss_fftr_cfg state;
static double memory[32768];
static kiss_fft_cpx y[BENCH_N_MAX / 2 + 1];

uint32_t bench_prepare(void) {
    size_t n_bytes = sizeof memory;
    state = kiss_fftr_alloc(BENCH_N, 0, memory, &n_bytes);
    n_bytes = 0;
    kiss_fftr_alloc(BENCH_N, 0, 0, &n_bytes);
    return (uint32_t)n_bytes;
}

void bench_run(void) {
#if BENCH_Q15
    kiss_fftr(state, bench_q15, y);
#else
    kiss_fftr(state, bench_f32, y);
#endif
}

const void *bench_output(size_t *n_bytes) {
    *n_bytes = (BENCH_N / 2 + 1) * sizeof y[0];
    return y;
}

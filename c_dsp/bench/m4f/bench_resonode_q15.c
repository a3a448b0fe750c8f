#include "../../dsp.h"
#include "harness.h"

static int16_t y[BENCH_N_MAX] __attribute__((aligned(4)));
static int32_t exponent;

uint32_t bench_prepare(void) {
    return 0;
}

void bench_run(void) {
    dsp_rfft_q15(BENCH_N, bench_q15, y, &exponent);
}

const void *bench_output(size_t *n_bytes) {
    *n_bytes = BENCH_N * sizeof y[0];
    return y;
}

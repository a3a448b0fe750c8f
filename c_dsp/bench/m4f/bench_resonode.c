#include "../../dsp.h"
#include "harness.h"

static const dsp_plan *plan;
static float memory[BENCH_N_MAX + 2048];
static float y[BENCH_N_MAX];

uint32_t bench_prepare(void) {
    dsp_plan_init(BENCH_N, memory, sizeof memory, &plan);
    return (uint32_t)dsp_plan_bytes(BENCH_N);
}

void bench_run(void) {
#if BENCH_WINDOW
    dsp_rfft_f32_window(plan, bench_f32, bench_window, y);
#else
    dsp_rfft_f32(plan, bench_f32, y);
#endif
}

const void *bench_output(size_t *n_bytes) {
    *n_bytes = BENCH_N * sizeof(float);
    return y;
}

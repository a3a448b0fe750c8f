#include "arm_math.h"
#include "harness.h"

#define JOIN(a, b, c) a##b##c
#define NAME(a, b, c) JOIN(a, b, c)

#if BENCH_Q15
static arm_rfft_instance_q15 instance;
static int16_t y[2 * BENCH_N_MAX];
#else
static arm_rfft_fast_instance_f32 instance;
static float y[BENCH_N_MAX];
#endif

uint32_t bench_prepare(void) {
#if BENCH_Q15
    NAME(arm_rfft_init_, BENCH_N, _q15)(&instance, 0, 1);
#else
    NAME(arm_rfft_fast_init_, BENCH_N, _f32)(&instance);
#endif
    return 0;
}

// It overwrites its input, which is as it was when the counted run begins: this is the only one.
void bench_run(void) {
#if BENCH_Q15
    arm_rfft_q15(&instance, bench_q15, y);
#else
    arm_rfft_fast_f32(&instance, bench_f32, y, 0);
#endif
}

const void *bench_output(size_t *n_bytes) {
    *n_bytes = (BENCH_Q15 ? BENCH_N + 2 : BENCH_N) * sizeof y[0];
    return y;
}

// One transform of BENCH_N points: prints its instructions, writes its output to the file "out".
#include "harness.h"

float bench_f32[BENCH_N_MAX];
int16_t bench_q15[BENCH_N_MAX] __attribute__((aligned(4)));
float bench_window[BENCH_N_MAX];

// x[t+1] = 1664525 x[t] + 1013904223 mod 2^32, as a fraction of 2^31 (bench_m4f.py does the same).
static void fill(void) {
    uint32_t state = 1;
    for (int i = 0; i < BENCH_N; i++) {
        state = 1664525u * state + 1013904223u;
        const int32_t sample = (int32_t)state >> 16;
        bench_q15[i] = (int16_t)(sample / BENCH_DIVIDE);
        bench_f32[i] = (float)sample / 32768.0f;
        bench_window[i] = (float)i / (float)BENCH_N;  // any window will do
    }
}

int main(void) {
    fill();
    counter_start();
    print_number("ram_tables", bench_prepare());
    print_number("instructions", count_instructions(bench_run));
    size_t n_bytes;
    const void *out = bench_output(&n_bytes);
    write_file("out", out, n_bytes);
    return 0;
}

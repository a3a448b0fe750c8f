// One real FFT after another of each library, so that the language that calls them costs nothing.
// FFTW is set up by its caller (bench_dsp_host.py), the others here.
#include "../dsp.h"
#include "arm_math.h"
#include "fftw3.h"
#include "kiss_fftr.h"

#include <stdlib.h>

typedef struct {
    int n;
    const dsp_plan *plan;
    arm_rfft_fast_instance_f32 cmsis;
    kiss_fftr_cfg kiss;
    fftwf_plan fftw, fftw_scalar;
    float *x, *y, *spare;
} bench;

bench *bench_new(int n) {
    bench *b = calloc(1, sizeof *b);
    b->n = n;
    b->x = fftwf_malloc(sizeof(float) * (size_t)(n + 2));
    b->y = fftwf_malloc(sizeof(float) * (size_t)(n + 2));
    b->spare = fftwf_malloc(sizeof(float) * (size_t)(n + 2));
    dsp_plan_init(n, malloc(dsp_plan_bytes(n)), dsp_plan_bytes(n), &b->plan);
    b->fftw = fftwf_plan_dft_r2c_1d(n, b->x, (fftwf_complex *)b->y, FFTW_MEASURE);
    b->fftw_scalar =
        fftwf_plan_dft_r2c_1d(n, b->x, (fftwf_complex *)b->y, FFTW_MEASURE | FFTW_NO_SIMD);
    b->kiss = kiss_fftr_alloc(n, 0, NULL, NULL);
    arm_rfft_fast_init_f32(&b->cmsis, (uint16_t)n);
    for (int i = 0; i < n; i++) {
        b->x[i] = (float)((i * 7919) % 2003) / 1000.0f - 1.0f;
    }
    return b;
}

void run_resonode(bench *b, int times) {
    while (times--) {
        dsp_rfft_f32(b->plan, b->x, b->y);
    }
}

void run_fftw(bench *b, int times) {
    while (times--) {
        fftwf_execute(b->fftw);
    }
}

void run_fftw_scalar(bench *b, int times) {
    while (times--) {
        fftwf_execute(b->fftw_scalar);
    }
}

void run_kiss(bench *b, int times) {
    while (times--) {
        kiss_fftr(b->kiss, b->x, (kiss_fft_cpx *)b->y);
    }
}

// It overwrites its input, so each run begins with a copy, which counts for it.
void run_cmsis(bench *b, int times) {
    while (times--) {
        memcpy(b->spare, b->x, sizeof(float) * (size_t)b->n);
        arm_rfft_fast_f32(&b->cmsis, b->spare, b->y, 0);
    }
}

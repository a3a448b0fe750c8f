// What the files of the core share with each other and with nobody else.
#ifndef RESONODE_DSP_INTERNAL_H
#define RESONODE_DSP_INTERNAL_H

#include "config.h"
#include "dsp.h"

#if defined(__GNUC__)
#define DSP_INLINE static inline __attribute__((always_inline))
#define DSP_NOINLINE __attribute__((noinline, unused))
#define DSP_UNROLL _Pragma("GCC unroll 16")
#define DSP_OPAQUE(p) __asm__("" : "+r"(p))  // the compiler forgets how p was computed
#if defined(__ARM_FP)
#define DSP_ROUND(x) __asm__("" : "+w"(x))  // no fused multiply-add with what follows
#else
#define DSP_ROUND(x) ((void)(x))
#endif
#if defined(__ARM_FP) || defined(__SSE2__) || defined(__aarch64__) || defined(__riscv_flen)
#define dsp_sqrt(x) __builtin_sqrtf(x)  // one instruction, given -fno-math-errno
#elif defined(__XTENSA__) && __XCHAL_HAVE_FP_SQRT
float __ieee754_sqrtf(float x);  // libgcc's, of the FPU's own steps; correctly rounded
#define dsp_sqrt(x) __ieee754_sqrtf(x)
#else
#define dsp_sqrt(x) dsp_soft_sqrt(x)
#endif
#else
#include <math.h>
#define DSP_INLINE static __inline
#define DSP_NOINLINE
#define DSP_UNROLL
#define DSP_OPAQUE(p) ((void)(p))
#define DSP_ROUND(x) ((void)(x))
#define dsp_sqrt(x) sqrtf(x)
#endif

// Vectors of four floats (fft_lanes.c), unless the build says -DDSP_PORTABLE.
#if defined(__has_builtin) && !defined(DSP_PORTABLE)
#if (defined(__SSE2__) || defined(__ARM_NEON)) && __has_builtin(__builtin_shufflevector)
#define DSP_HAS_LANES 1
#endif
#endif
#ifndef DSP_HAS_LANES
#define DSP_HAS_LANES 0
#endif

// Square root without an FPU, rounded as IEEE 754 says, so that it has the bits of one.
float dsp_soft_sqrt(float x);

// Floats to either side of a pointer that one FPU load reaches.
#if defined(__arm__)
#define DSP_REACH 255
#else
#define DSP_REACH 0x10000
#endif

// n = leaf * 8^passes. Twiddles only where they are not constants of the program.
struct dsp_plan {
    uint32_t mark;
    int32_t n;
    int32_t leaf;  // 4, 8 or 16
    int32_t passes;
    float twiddles[];
};

// exp(-2 pi i k r / (8 m)) for k = 1..m/2-1 and r = 1..4, as cos, sin of the positive angle, with
// m = `span`. Smaller passes use every (span / m)th entry.
extern const float dsp_twiddles[8 * (DSP_TABLE_N / 16 - 1)];
const float *dsp_plan_table(const dsp_plan *plan, int32_t *span);

// The same for 16 bits, with -cos and -sin: k, 2 k, 3 k of n/2 and the odd k of n, n the largest.
#if DSP_TABLE_Q15_N > 0
extern const uint32_t dsp_triples_q15[3 * (DSP_TABLE_Q15_N / 8)];
extern const uint32_t dsp_singles_q15[DSP_TABLE_Q15_N / 8];
#endif

#if DSP_HAS_LANES
void dsp_leaves_by_lanes(const dsp_plan *plan, const float x[], const float *next, const float *tw,
                         int32_t step, float y[]);
void dsp_pass4_by_lanes(float *g, int32_t n, const float *tw);
void dsp_bins_by_lanes(float *y, int32_t n, int32_t m, const float *tw, int32_t step);
#endif

// A buffer of the caller's, as the checks below see it; of 0 bytes: not looked at.
typedef struct {
    const void *at;
    size_t bytes;
    uint32_t align;       // of its elements, up to 4
    uint32_t is_written;  // so it may not overlap another
} dsp_buffer;

#define DSP_BUFFER(p, count, is_written)                                                           \
    {(p), sizeof *(p) * (size_t)(count), sizeof *(p) % 4 ? sizeof *(p) % 4 : 4, is_written}
#define DSP_IN(p, count) DSP_BUFFER(p, count, 0)
#define DSP_OUT(p, count) DSP_BUFFER(p, count, 1)  // outputs and work memory
#define DSP_BYTES(p, bytes) {(p), bytes, 4, 1}     // memory of plans and states
#define DSP_PLAN(plan) {(plan), dsp_plan_bytes((plan)->n), 4, 0}

// NULL, ALIGN, OVERLAP
dsp_status dsp_check_buffers(const dsp_buffer buffers[], int32_t count);

// Ends a function that must refuse these buffers.
#define DSP_REQUIRE(...)                                                                           \
    do {                                                                                           \
        const dsp_buffer required[] = {__VA_ARGS__};                                               \
        const dsp_status found =                                                                   \
            dsp_check_buffers(required, (int32_t)(sizeof required / sizeof *required));            \
        if (found != DSP_OK) {                                                                     \
            return found;                                                                          \
        }                                                                                          \
    } while (0)

// Where a transform reads its input. Element i is
//   DSP_FROM_F32   data[i]
//   DSP_FROM_I16, DSP_FROM_I32   data[i] - mean
//   DSP_FROM_BAND  data[step * i] for i < count, else 0 (floats)
typedef enum { DSP_FROM_F32, DSP_FROM_I16, DSP_FROM_I32, DSP_FROM_BAND } dsp_from;

typedef struct {
    dsp_from from;
    const void *data;
    int32_t mean;
    int32_t step;
    int32_t count;
} dsp_source;

// Real FFT of plan->n elements into half-complex y. No checks.
void dsp_transform(const dsp_plan *plan, const dsp_source *source, float y[]);

// log2 of a power of two.
DSP_INLINE int32_t dsp_bits(int32_t n) {
    int32_t bits = 0;
    while ((1 << bits) < n) {
        bits++;
    }
    return bits;
}

// |Xw[k]|² of the Hann-windowed spectrum, 1 <= k <= n/2 - 1.
float dsp_hann_power(const float y[], int32_t n, int32_t k);

// amp[k] = gain |Xw[k]| for k = 0..bins-1, bins <= n/2 + 1. amp may be y.
void dsp_hann_amplitude(const float y[], int32_t n, int32_t bins, float gain, float amp[]);

DSP_INLINE int dsp_is_positive(float x) {
    return x > 0.0f && x <= 3.4028234e38f;  // false for NaN and infinity
}

#endif

// What the files of the core share with each other and with nobody else.
#ifndef RESONODE_DSP_INTERNAL_H
#define RESONODE_DSP_INTERNAL_H

#include "dsp.h"

#if defined(__GNUC__)
#define DSP_INLINE static inline __attribute__((always_inline))
#define dsp_sqrt(x) __builtin_sqrtf(x)  // one instruction, given -fno-math-errno
#else
#include <math.h>
#define DSP_INLINE static __inline
#define dsp_sqrt(x) sqrtf(x)
#endif

// n = leaf * 8^passes. The twiddles of each pass follow in the order in which they are used.
struct dsp_plan {
    uint32_t mark;
    int32_t n;
    int32_t leaf;  // 4, 8 or 16
    int32_t passes;
    float twiddles[];
};

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

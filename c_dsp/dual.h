// Dot products of int16 by two multiplications an instruction, where the target has it (Cortex-M4,
// M7, M33). Sums of integers are exact, so the results are the portable code's, bit for bit.
#ifndef RESONODE_DSP_DUAL_H
#define RESONODE_DSP_DUAL_H

#include "internal.h"

#if defined(__GNUC__) && defined(__ARM_FEATURE_SIMD32)
#include <arm_acle.h>

#define DSP_DUAL 1

// Two neighbours in one load, which these cores do at any address.
DSP_INLINE int16x2_t dsp_pair(const int16_t *p) {
    int16x2_t pair;
    __builtin_memcpy(&pair, p, sizeof pair);
    return pair;
}
#else
#define DSP_DUAL 0
#endif

#endif

// Sine, cosine and log2 from polynomials: libm would drag .data into native modules.
#include "internal.h"

// Minimax on |t| <= pi/4 (Cephes sinf, cosf).
DSP_INLINE float sin_poly(float t) {
    const float t2 = t * t;
    return t + t * t2 * (-1.6666654611e-1f + t2 * (8.3321608736e-3f + t2 * -1.9515295891e-4f));
}

DSP_INLINE float cos_poly(float t) {
    const float t2 = t * t;
    const float tail =
        4.166664568298827e-2f + t2 * (-1.388731625493765e-3f + t2 * 2.443315711809948e-5f);
    return 1.0f - 0.5f * t2 + t2 * t2 * tail;
}

void dsp_sincos(uint32_t phase, float *sine, float *cosine) {
    if (!sine || !cosine) {
        return;
    }
    // Nearest quarter turn and the rest, exactly; the rest is within an eighth of a turn.
    const uint32_t quarter = (phase + 0x20000000u) >> 30;
    const float rest = (float)(int32_t)(phase - (quarter << 30));
    // 2 pi / 2^32 in two parts: the first has so few digits that its product with the phase of any
    // twiddle is exact.
    const float t = rest * 1.4624674804508686e-9f + rest * 4.5059882e-13f;
    const float s = sin_poly(t);
    const float c = cos_poly(t);
    const float abs_sine = (quarter & 1u) ? c : s;
    const float abs_cosine = (quarter & 1u) ? s : c;
    *sine = (quarter & 2u) ? -abs_sine : abs_sine;
    *cosine = ((quarter + 1u) & 2u) ? -abs_cosine : abs_cosine;
}

float dsp_log2(float x) {
    union {
        float f;
        uint32_t u;
    } v = {x};
    // x = 2^e m with m in [sqrt(1/2), sqrt(2)), so that log2(1) = 0 without cancellation.
    const uint32_t shifted = v.u + (0x3f800000u - 0x3f3504f3u);
    const int32_t e = (int32_t)(shifted >> 23) - 127;
    v.u = (shifted & 0x007fffffu) + 0x3f3504f3u;
    // log2(m) = 2/ln2 atanh(z), z = (m - 1)/(m + 1), |z| <= 0.1716: odd series to z^9.
    const float z = (v.f - 1.0f) / (v.f + 1.0f);
    const float z2 = z * z;
    const float series =
        2.8853901f + z2 * (0.96179670f + z2 * (0.57707802f + z2 * (0.41219859f + z2 * 0.3205989f)));
    return (float)e + z * series;
}

float dsp_soft_sqrt(float x) {
    union {
        float f;
        uint32_t u;
    } v = {x};
    if (v.u << 1 == 0 || v.u == 0x7f800000u || x != x) {
        return x;  // zeros, infinity, NaN
    }
    if (v.u >> 31) {
        return (x - x) / (x - x);
    }
    int32_t exponent = (int32_t)(v.u >> 23);
    uint32_t m = v.u & 0x7fffffu;
    if (exponent == 0) {
        for (exponent = 1; !(m & 0x800000u); exponent--) {
            m <<= 1;
        }
    }
    m |= 0x800000u;
    if (!(exponent & 1)) {
        m <<= 1;
        exponent--;
    }
    // x = m 2^(exponent - 150). The root of m 2^25 has 25 bits, the last of which rounds: a tie would
    // be the root of an odd number, and this one is even.
    const uint64_t square = (uint64_t)m << 25;
    uint32_t root = 0;
    for (uint32_t bit = 1u << 24; bit; bit >>= 1) {
        const uint64_t trial = root | bit;
        root = trial * trial <= square ? (uint32_t)trial : root;
    }
    v.u = ((uint32_t)((exponent - 175) / 2 + 150) << 23) + ((root + 1) >> 1);
    return v.f;
}

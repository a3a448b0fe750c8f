// Statistical features from exact integer moments.
//
// With d = x - M, M the rounded mean, |d| < 2^16. The sums of d² and d³ fit 64 bits for up to 65535
// samples (|sum d³| <= 0.11 * 2^64, its extreme for a bounded variable of mean 0), the sum of d^4
// fits 64 + 32. Only r = mean - M, |r| <= 1/2, is not an integer; the central moments follow from it:
//   m2 = s2 - r²   m3 = s3 - 3 r s2 + 2 r³   m4 = s4 - 4 r s3 + 6 r² s2 - 3 r^4    (s = sums / n)
// Little cancels: for integers sum d² >= |sum d|, so s2 >= 2 r² and m2 >= s2 / 2.
#include "dual.h"

typedef struct {
    int32_t min, max;
    int32_t mean;      // M
    float rest;        // r
    float s2, s3, s4;  // moments about M
} moments;

DSP_INLINE float u64_to_f32(uint64_t u) {
    return (float)(uint32_t)(u >> 32) * 4294967296.0f + (float)(uint32_t)u;
}

// Sums of the powers of d. The fourth may exceed 64 bits: `carry` counts 2^64.
typedef struct {
    uint64_t sum2, sum4;
    int64_t sum3;
    uint32_t carry;
} sums;

// scan_pairs begins sum, least and greatest; power_pairs the powers of d, for d that fit 16 bits.
// Both return how many samples they took.
#if DSP_DUAL

#define PAIRS 4  // in one turn of a loop

static int16x2_t twice(int32_t v) {
    return (int16x2_t)((uint32_t)(uint16_t)v * 0x00010001u);
}

static int32_t scan_pairs(const int16_t x[], int32_t n, int32_t *sum, moments *out) {
    const int32_t taken = n - n % (2 * PAIRS);
    const int16x2_t ones = twice(1);
    int16x2_t low = twice(x[0]), high = low;
    int32_t total = 0;
    for (const int16_t *end = x + taken; x < end; x += 2 * PAIRS) {
        DSP_UNROLL
        for (int32_t i = 0; i < PAIRS; i++) {
            const int16x2_t v = dsp_pair(x + 2 * i);
            total = __smlad(v, ones, total);
            __ssub16(v, low);  // sets what __sel looks at: halves where v >= low
            low = (int16x2_t)__sel((uint8x4_t)low, (uint8x4_t)v);
            __ssub16(v, high);
            high = (int16x2_t)__sel((uint8x4_t)v, (uint8x4_t)high);
        }
    }
    const int16_t a = (int16_t)low, b = (int16_t)(low >> 16);
    const int16_t c = (int16_t)high, d = (int16_t)(high >> 16);
    out->min = a < b ? a : b;
    out->max = c > d ? c : d;
    *sum = total;
    return taken;
}

static int32_t power_pairs(const int16_t x[], int32_t n, int32_t mean, sums *s) {
    const int32_t taken = n - n % (2 * PAIRS);
    const int16x2_t means = twice(mean);
    int64_t sum2 = 0, sum3 = 0;
    for (const int16_t *end = x + taken; x < end; x += 2 * PAIRS) {
        uint64_t sum4 = 0;  // up to 8 * 2^60
        DSP_UNROLL
        for (int32_t i = 0; i < PAIRS; i++) {
            const int16x2_t v = __ssub16(dsp_pair(x + 2 * i), means);
            const int32_t a = (int16_t)v, b = v >> 16;
            const int32_t a2 = a * a, b2 = b * b;
            sum2 = __smlald(v, v, sum2);
            sum3 += (int64_t)a * a2;
            sum3 += (int64_t)b * b2;
            sum4 += (uint64_t)(uint32_t)a2 * (uint32_t)a2;
            sum4 += (uint64_t)(uint32_t)b2 * (uint32_t)b2;
        }
        s->sum4 += sum4;
        s->carry += s->sum4 < sum4;
    }
    s->sum2 = (uint64_t)sum2;
    s->sum3 = sum3;
    return taken;
}

#else

static int32_t scan_pairs(const int16_t x[], int32_t n, int32_t *sum, moments *out) {
    (void)n;
    *sum = 0;
    out->min = out->max = x[0];
    return 0;
}

static int32_t power_pairs(const int16_t x[], int32_t n, int32_t mean, sums *s) {
    (void)x, (void)n, (void)mean, (void)s;
    return 0;
}

#endif

static void find_mean(const int16_t x[], int32_t n, moments *out) {
    int32_t sum;  // 65535 * 2^15 fits
    const int32_t taken = scan_pairs(x, n, &sum, out);
    int32_t min = out->min, max = out->max;
    for (int32_t i = taken; i < n; i++) {
        const int32_t v = x[i];
        sum += v;
        min = v < min ? v : min;
        max = v > max ? v : max;
    }
    int32_t mean = sum / n;
    int32_t rest = sum - mean * n;
    if (2 * rest > n) {
        mean++;
        rest -= n;
    } else if (2 * rest < -n) {
        mean--;
        rest += n;
    }
    out->min = min;
    out->max = max;
    out->mean = mean;
    out->rest = (float)rest / (float)n;
}

static void find_moments(const int16_t x[], int32_t n, moments *out) {
    sums s = {0, 0, 0, 0};
    const int32_t mean = out->mean;
    const int is_narrow = out->max - mean <= INT16_MAX && out->min - mean >= INT16_MIN;
    for (int32_t i = is_narrow ? power_pairs(x, n, mean, &s) : 0; i < n; i++) {
        const int32_t d = x[i] - mean;
        const uint32_t d2 = (uint32_t)d * (uint32_t)d;
        const uint64_t d4 = (uint64_t)d2 * d2;
        s.sum2 += d2;
        s.sum3 += (int64_t)d * (int64_t)d2;
        s.sum4 += d4;
        s.carry += s.sum4 < d4;
    }
    const float count = (float)n;
    const float abs3 = u64_to_f32(s.sum3 < 0 ? 0u - (uint64_t)s.sum3 : (uint64_t)s.sum3);
    out->s2 = u64_to_f32(s.sum2) / count;
    out->s3 = (s.sum3 < 0 ? -abs3 : abs3) / count;
    out->s4 = ((float)s.carry * 18446744073709551616.0f + u64_to_f32(s.sum4)) / count;
}

dsp_status dsp_features(const int16_t x[], int32_t n, float scale, dsp_feature_set *out) {
    if (n < 2 || n > DSP_FEATURES_N_MAX) {
        return DSP_ERR_SIZE;
    }
    if (!dsp_is_positive(scale)) {
        return DSP_ERR_VALUE;
    }
    DSP_REQUIRE(DSP_IN(x, n), DSP_OUT(out, 1));
    moments m;
    find_mean(x, n, &m);
    find_moments(x, n, &m);
    dsp_feature_set set = {0};
    set.mean = ((float)m.mean + m.rest) * scale;
    if (m.max > m.min) {
        const float r = m.rest;
        const float m2 = m.s2 - r * r;
        const float m3 = m.s3 - 3.0f * r * m.s2 + 2.0f * r * r * r;
        const float m4 = m.s4 - r * (4.0f * m.s3 - r * (6.0f * m.s2 - 3.0f * r * r));
        const float rms = dsp_sqrt(m2);
        const float above = (float)(m.max - m.mean) - r;
        const float below = (float)(m.mean - m.min) + r;
        const float peak = above > below ? above : below;
        set.rms = rms * scale;
        set.peak = peak * scale;
        set.crest = peak / rms;
        set.kurtosis = m4 / (m2 * m2);
        set.peak_to_peak = (float)(m.max - m.min) * scale;
        set.skewness = m3 / (m2 * rms);
    }
    set.saturated = m.min == INT16_MIN || m.max == INT16_MAX ? 1.0f : 0.0f;
    *out = set;
    return DSP_OK;
}

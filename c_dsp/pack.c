// Spectra in 16 or 8 bits per value.
#include "internal.h"

#define DB_PER_OCTAVE 6.0205999133f  // 20 log10(2)
#define F32_MIN 1.17549435e-38f

// f in units of 2^-24, the smallest half float, would round right in one float operation; above
// 2^-14 the spacing grows with the exponent, so there the mantissa is rounded as an integer.
static uint16_t to_f16(float f) {
    union {
        float f;
        uint32_t u;
    } v = {f};
    const uint32_t sign = (v.u >> 16) & 0x8000u;
    const uint32_t abs = v.u & 0x7fffffffu;
    if (abs > 0x7f800000u) {
        return (uint16_t)(sign | 0x7e00u);  // NaN
    }
    if (abs >= 0x477fe000u) {
        return (uint16_t)(sign | 0x7bffu);  // 65504 and all above
    }
    if (abs < 0x38800000u) {
        // Below 2^-14: adding 1/2 makes the unit in the last place 2^-24 and rounds to even.
        v.u = abs;
        v.f += 0.5f;
        return (uint16_t)(sign | (v.u - 0x3f000000u));
    }
    const uint32_t rounded = abs + 0x0fffu + ((abs >> 13) & 1u);
    return (uint16_t)(sign | ((rounded - 0x38000000u) >> 13));
}

dsp_status dsp_pack_f16(const float src[], int32_t n, uint16_t dst[]) {
    if (n < 0) {
        return DSP_ERR_SIZE;
    }
    DSP_REQUIRE(DSP_IN(src, n), DSP_OUT(dst, (const void *)dst == (const void *)src ? 0 : n));
    for (int32_t i = 0; i < n; i++) {
        dst[i] = to_f16(src[i]);
    }
    return DSP_OK;
}

static uint8_t to_code(float x, float floor_db, float step_db) {
    if (!(x >= F32_MIN)) {
        return 0;
    }
    const float above = (DB_PER_OCTAVE * dsp_log2(x) - floor_db) / step_db;
    if (!(above >= -0.5f)) {
        return 0;
    }
    return above >= 254.0f ? 255 : (uint8_t)(1 + (int32_t)(above + 0.5f));
}

dsp_status dsp_pack_db8(const float src[], int32_t n, float step_db, uint8_t dst[],
                        float *floor_db) {
    if (n < 0) {
        return DSP_ERR_SIZE;
    }
    if (!dsp_is_positive(step_db)) {
        return DSP_ERR_VALUE;
    }
    DSP_REQUIRE(DSP_IN(src, n), DSP_OUT(dst, n), DSP_OUT(floor_db, 1));
    float largest = 0.0f;
    for (int32_t i = 0; i < n; i++) {
        largest = src[i] > largest && dsp_is_positive(src[i]) ? src[i] : largest;
    }
    const float floor =
        largest >= F32_MIN ? DB_PER_OCTAVE * dsp_log2(largest) - 254.0f * step_db : 0.0f;
    for (int32_t i = 0; i < n; i++) {
        dst[i] = to_code(src[i], floor, step_db);
    }
    *floor_db = floor;
    return DSP_OK;
}

// Powers of two and of e without libm.
#include "internal.h"

float dsp_exp2(float x) {
    if (!(x < 128.0f)) {
        return x >= 128.0f ? 3.4028234e38f : x;  // NaN stays NaN
    }
    if (x < -126.0f) {
        return 0.0f;
    }
    // x = whole + f, |f| <= 1/2, f exactly; 2^f by its series to f^7 (remainder 1.2e-9).
    const int32_t whole = (int32_t)(x < 0.0f ? x - 0.5f : x + 0.5f);
    const float f = x - (float)whole;
    const float series =
        0.69314718f +
        f * (0.24022651f +
             f * (0.055504109f +
                  f * (0.0096181291f +
                       f * (0.0013333558f + f * (1.5403530e-4f + f * 1.5252734e-5f)))));
    const float power = 1.0f + f * series;
    union {
        uint32_t u;
        float f;
    } scale = {(uint32_t)(whole > 126 ? 126 + 127 : whole + 127) << 23};
    return whole > 126 ? power * scale.f * (whole == 127 ? 2.0f : 4.0f) : power * scale.f;
}

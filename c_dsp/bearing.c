// Bearing orders from geometry, and zones of severity.
#include "condition.h"

dsp_status dsp_bearing_orders(int32_t elements, float element_diameter, float pitch_diameter,
                              float contact_deg, dsp_bearing *out) {
    if (elements < 3 || elements > 1000) {
        return DSP_ERR_SIZE;
    }
    if (!dsp_is_positive(element_diameter) || !dsp_is_positive(pitch_diameter) ||
        !(element_diameter < pitch_diameter) || !(contact_deg >= 0.0f && contact_deg < 90.0f)) {
        return DSP_ERR_VALUE;
    }
    DSP_REQUIRE(DSP_OUT(out, 1));
    float sine, cosine;
    dsp_sincos(dsp_phase(contact_deg / 360.0f), &sine, &cosine);
    const float gamma = element_diameter / pitch_diameter * cosine;
    const float half = 0.5f * (float)elements;
    out->ftf = 0.5f * (1.0f - gamma);
    out->bpfo = half * (1.0f - gamma);
    out->bpfi = half * (1.0f + gamma);
    out->bsf2 = pitch_diameter / element_diameter * (1.0f - gamma * gamma);
    return DSP_OK;
}

dsp_status dsp_severity_zone(float velocity_mm_s, const float limits_mm_s[3], int32_t *zone) {
    DSP_REQUIRE(DSP_IN(limits_mm_s, 3), DSP_OUT(zone, 1));
    if (!(velocity_mm_s >= 0.0f) || !dsp_is_positive(limits_mm_s[0]) ||
        !(limits_mm_s[1] > limits_mm_s[0]) || !(limits_mm_s[2] > limits_mm_s[1])) {
        return DSP_ERR_VALUE;
    }
    int32_t above = 0;
    for (int32_t i = 0; i < 3; i++) {
        above += velocity_mm_s > limits_mm_s[i];
    }
    *zone = above;
    return DSP_OK;
}

// Refusal of buffers that cannot be used.
#include "internal.h"

static int overlap(const dsp_buffer *a, const dsp_buffer *b) {
    const uintptr_t from = (uintptr_t)a->at, other = (uintptr_t)b->at;
    return from < other ? other - from < a->bytes : from - other < b->bytes;
}

dsp_status dsp_check_buffers(const dsp_buffer buffers[], int32_t count) {
    for (int32_t i = 0; i < count; i++) {
        const dsp_buffer *a = buffers + i;
        if (a->bytes == 0) {
            continue;
        }
        if (!a->at) {
            return DSP_ERR_NULL;
        }
        if (((uintptr_t)a->at & (a->align - 1)) != 0) {
            return DSP_ERR_ALIGN;
        }
        for (int32_t k = 0; k < i; k++) {
            const dsp_buffer *b = buffers + k;
            if ((a->is_written || b->is_written) && b->bytes != 0 && overlap(a, b)) {
                return DSP_ERR_OVERLAP;
            }
        }
    }
    return DSP_OK;
}

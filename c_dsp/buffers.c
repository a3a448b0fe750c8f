// Refusal of buffers that cannot be used.
#include "internal.h"

// Does a buffer that is written lie in another? Differences wrap around below 0.
DSP_INLINE int overlaps(const dsp_buffer *a, const dsp_buffer *b, const dsp_buffer *end) {
    for (; b < end; b++) {
        const uintptr_t up = (uintptr_t)b->at - (uintptr_t)a->at;
        if ((up < a->bytes || 0 - up < b->bytes) && a != b && b->bytes != 0) {
            return 1;
        }
    }
    return 0;
}

dsp_status dsp_check_buffers(const dsp_buffer buffers[], int32_t count) {
    const dsp_buffer *end = buffers + count;
    for (const dsp_buffer *a = buffers; a < end; a++) {
        if (a->bytes == 0) {
            continue;
        }
        if (!a->at) {
            return DSP_ERR_NULL;
        }
        if (((uintptr_t)a->at & (a->align - 1)) != 0) {
            return DSP_ERR_ALIGN;
        }
        if (a->is_written && overlaps(a, buffers, end)) {
            return DSP_ERR_OVERLAP;
        }
    }
    return DSP_OK;
}

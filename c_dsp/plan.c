// Plans: twiddles in the caller's memory.
#include "internal.h"

#define PLAN_MARK 0x52504c31u  // "RPL1"

const char *dsp_status_text(dsp_status status) {
    switch (status) {
    case DSP_OK:
        return "ok";
    case DSP_ERR_SIZE:
        return "length not allowed";
    case DSP_ERR_PLAN:
        return "not an initialised plan of this size";
    case DSP_ERR_BAND:
        return "band outside the spectrum";
    case DSP_ERR_VALUE:
        return "number out of range";
    case DSP_ERR_SPACE:
        return "buffer too small";
    case DSP_ERR_ALIGN:
        return "buffer not aligned";
    case DSP_ERR_NULL:
        return "no buffer (NULL)";
    case DSP_ERR_OVERLAP:
        return "buffers overlap";
    }
    return "unknown status";
}

static int is_size(int32_t n) {
    return n >= DSP_N_MIN && n <= DSP_N_MAX && (n & (n - 1)) == 0 && (n & (DSP_SIZES)) != 0;
}

// Are the twiddles of this size constants of the program?
static int is_constant(int32_t n) {
    return !DSP_TABLES_IN_CALLER_MEMORY && n <= DSP_TABLE_N;
}

// The leaf that leaves a power of 8: 4 (2 bits), 8 (3 bits) or 16 (4 bits).
static int32_t leaf_bits(int32_t n) {
    return 2 + (dsp_bits(n) - 2) % 3;
}

size_t dsp_plan_bytes(int32_t n) {
    if (!is_size(n)) {
        return 0;
    }
    const int32_t floats = is_constant(n) ? 0 : 8 * (n / 16 - 1);
    return sizeof(dsp_plan) + (size_t)floats * sizeof(float);
}

const float *dsp_plan_table(const dsp_plan *plan, int32_t *span) {
#if !DSP_TABLES_IN_CALLER_MEMORY
    if (is_constant(plan->n)) {
        *span = DSP_TABLE_N / 8;
        return dsp_twiddles;
    }
#endif
    *span = plan->n / 8;
    return plan->twiddles;
}

// The angle is a whole number of 2^-32 turns, so its reduction is exact.
static void fill(int32_t n, float *tw) {
    const uint32_t step = (uint32_t)1 << (32 - dsp_bits(n));
    for (int32_t k = 1; k < n / 16; k++) {
        for (int32_t r = 1; r <= 4; r++, tw += 2) {
            dsp_sincos((uint32_t)(k * r) * step, &tw[1], &tw[0]);
        }
    }
}

static int is_aligned(const void *memory) {
    return ((uintptr_t)memory & (sizeof(float) - 1)) == 0;
}

dsp_status dsp_plan_init(int32_t n, void *memory, size_t memory_bytes, const dsp_plan **plan) {
    if (!is_size(n)) {
        return DSP_ERR_SIZE;
    }
    if (!is_aligned(memory)) {
        return DSP_ERR_ALIGN;
    }
    if (!memory || memory_bytes < dsp_plan_bytes(n)) {
        return DSP_ERR_SPACE;
    }
    DSP_REQUIRE(DSP_BYTES(memory, dsp_plan_bytes(n)), DSP_OUT(plan, 1));
    dsp_plan *p = memory;
    p->mark = PLAN_MARK;
    p->n = n;
    p->leaf = 1 << leaf_bits(n);
    p->passes = (dsp_bits(n) - leaf_bits(n)) / 3;
    if (!is_constant(n)) {
        fill(n, p->twiddles);
    }
    *plan = p;
    return DSP_OK;
}

int32_t dsp_plan_n(const dsp_plan *plan) {
    if (!plan || !is_aligned(plan) || plan->mark != PLAN_MARK || !is_size(plan->n)) {
        return 0;
    }
    const int32_t leaf = plan->leaf;
    const int fits = (leaf == 4 || leaf == 8 || leaf == 16) && plan->passes >= 2 &&
                     plan->passes <= 4 && leaf << (3 * plan->passes) == plan->n;
    return fits ? plan->n : 0;
}

dsp_status dsp_plan_open(const void *memory, size_t memory_bytes, const dsp_plan **plan) {
    if (!is_aligned(memory)) {
        return DSP_ERR_ALIGN;
    }
    const dsp_plan *p = memory;
    if (!p || memory_bytes < sizeof *p || dsp_plan_n(p) == 0 ||
        memory_bytes < dsp_plan_bytes(p->n)) {
        return DSP_ERR_PLAN;
    }
    DSP_REQUIRE(DSP_BYTES(memory, dsp_plan_bytes(p->n)), DSP_OUT(plan, 1));
    *plan = p;
    return DSP_OK;
}

// Argument checks that the files of the native module share.
#ifndef RESONODE_NATMOD_GLUE_H
#define RESONODE_NATMOD_GLUE_H

#include "py/dynruntime.h"

#include "../dsp.h"

// Registers the functions of mod_condition.c.
void mod_condition_register(void);

#define GLUE __attribute__((unused)) static

GLUE void refuse_unless(bool fine, const char *text) {
    if (!fine) {
        mp_raise_ValueError(text);
    }
}

// Elements first..first+count-1 of a buffer of elements of `size` bytes.
GLUE void *elements(mp_obj_t obj, mp_uint_t flags, mp_int_t first, mp_int_t count, size_t size,
                    const char *text) {
    mp_buffer_info_t info;
    mp_get_buffer_raise(obj, &info, flags);
    const mp_int_t held = (mp_int_t)(info.len / size);
    const bool inside = first >= 0 && count >= 0 && first <= held && count <= held - first;
    const bool aligned = ((uintptr_t)info.buf & (size - 1)) == 0;
    refuse_unless(inside && aligned, text);
    return (uint8_t *)info.buf + (size_t)first * size;
}

#define BAD_BUFFER(name) name ": too short, or not aligned"
#define IN(type, name, obj, first, count)                                                          \
    ((const type *)elements(obj, MP_BUFFER_READ, first, count, sizeof(type), BAD_BUFFER(name)))
#define OUT(type, name, obj, first, count)                                                         \
    ((type *)elements(obj, MP_BUFFER_RW, first, count, sizeof(type), BAD_BUFFER(name)))

// An int that the core can take; larger ones could wrap in its arithmetic.
GLUE int32_t get_int(mp_obj_t obj, const char *text) {
    const mp_int_t value = mp_obj_get_int(obj);
    refuse_unless(value >= -0x40000000 && value < 0x40000000, text);
    return (int32_t)value;
}

GLUE float get_float(mp_obj_t obj) {
    return mp_obj_get_float_to_f(obj);
}

GLUE const dsp_plan *get_plan(mp_obj_t obj, const char *text) {
    mp_buffer_info_t info;
    const dsp_plan *plan = NULL;
    mp_get_buffer_raise(obj, &info, MP_BUFFER_READ);
    refuse_unless(dsp_plan_open(info.buf, info.len, &plan) == DSP_OK, text);
    return plan;
}

GLUE const dsp_plan *get_plan_of(mp_obj_t obj, int32_t n) {
    const dsp_plan *plan = get_plan(obj, "plan: not initialised (plan_init)");
    refuse_unless(dsp_plan_n(plan) == n, "n: not the size of the plan");
    return plan;
}

GLUE void check(dsp_status status, const char *text) {
    refuse_unless(status == DSP_OK, text);
}

#endif

// Argument checks that the files of the module `dsp` share. The module has two forms, of the same
// source: a native module (.mpy, natmod/module.c) and a user C module (usermod/module.c).
//
// Arrays are any objects with a buffer (array, bytearray, memoryview); their element type is by
// convention that of dsp.h. `at` arguments are element offsets. States live in any writable buffer
// aligned for float, as long as NAME_bytes says. Every refusal is a ValueError whose text begins
// with the argument's name.
#ifndef RESONODE_NATMOD_GLUE_H
#define RESONODE_NATMOD_GLUE_H

#ifdef MICROPY_ENABLE_DYNRUNTIME
#include "py/dynruntime.h"
#define ERROR_TEXT(text) text
#else
#include "py/binary.h"
#include "py/runtime.h"
#define ERROR_TEXT(text) ((mp_rom_error_text_t)(text))
#endif

#include "../dsp.h"

#define GLUE __attribute__((unused)) static
#define VAR(name, n) static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(name##_obj, n, n, name)

GLUE void refuse_unless(bool fine, const char *text) {
    if (!fine) {
        mp_raise_ValueError(ERROR_TEXT(text));
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

GLUE void *state_of(mp_obj_t obj, size_t *bytes, const char *text) {
    mp_buffer_info_t info;
    mp_get_buffer_raise(obj, &info, MP_BUFFER_RW);
    refuse_unless(((uintptr_t)info.buf & 3) == 0, text);
    *bytes = info.len;
    return info.buf;
}

GLUE void *fixed_state(mp_obj_t obj, size_t need) {
    size_t bytes;
    void *state = state_of(obj, &bytes, BAD_BUFFER("state"));
    refuse_unless(bytes >= need, BAD_BUFFER("state"));
    return state;
}

// An int that the core can take; larger ones could wrap in its arithmetic.
GLUE int32_t get_int(mp_obj_t obj, const char *text) {
    const mp_int_t value = mp_obj_get_int(obj);
    refuse_unless(value >= -0x40000000 && value < 0x40000000, text);
    return (int32_t)value;
}

// n raw samples of x, from `at` on.
GLUE const int16_t *get_samples(mp_obj_t x, mp_obj_t at, int32_t n) {
    return IN(int16_t, "x", x, get_int(at, "at: too large"), n);
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

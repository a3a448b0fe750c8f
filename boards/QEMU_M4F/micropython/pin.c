#include "pin.h"

#include "bus.h"
#include "lines.h"
#include "py/runtime.h"
#include "spi.h"

#define FIRST_LINE 8
#define PINS (FIRST_LINE + LINES)

enum { MODE_IN, MODE_OUT };
enum { PULL_UP = 1, PULL_DOWN = 2 };  // taken, and without effect: the rig drives every line

typedef struct {
    mp_obj_base_t base;
    int number;
} pin_obj;

#define PIN(n) {{&pin_type}, n}
static const pin_obj pins[PINS] = {
    PIN(0), PIN(1), PIN(2),  PIN(3),  PIN(4),  PIN(5),  PIN(6),  PIN(7),
    PIN(8), PIN(9), PIN(10), PIN(11), PIN(12), PIN(13), PIN(14), PIN(15),
};

static void pin_print(const mp_print_t *print, mp_obj_t self_in, mp_print_kind_t kind) {
    pin_obj *self = MP_OBJ_TO_PTR(self_in);
    mp_printf(print, "Pin(%d)", self->number);
}

static int line_of(const pin_obj *self) {
    if (self->number < FIRST_LINE) {
        mp_raise_ValueError(MP_ERROR_TEXT("a chip select is an output"));
    }
    return self->number - FIRST_LINE;
}

static bool level(const pin_obj *self) {
    if (self->number < FIRST_LINE) {
        return !spi_is_selected(self->number);
    }
    bus_now_us();  // what is known of the lines is no older than the time
    return line_is_high(line_of(self));
}

static void set_level(const pin_obj *self, bool high) {
    if (self->number >= FIRST_LINE) {
        mp_raise_ValueError(MP_ERROR_TEXT("an interrupt line is an input"));
    }
    if (high) {
        spi_deselect(self->number);
    } else {
        spi_select(self->number);
    }
}

static mp_obj_t pin_new(const mp_obj_type_t *type, size_t count, size_t named_count,
                        const mp_obj_t *all) {
    enum { ID, MODE, PULL, VALUE };
    static const mp_arg_t allowed[] = {
        {MP_QSTR_id, MP_ARG_REQUIRED | MP_ARG_INT, {.u_int = 0}},
        {MP_QSTR_mode, MP_ARG_INT, {.u_int = MODE_IN}},
        {MP_QSTR_pull, MP_ARG_OBJ, {.u_rom_obj = MP_ROM_NONE}},
        {MP_QSTR_value, MP_ARG_KW_ONLY | MP_ARG_OBJ, {.u_rom_obj = MP_ROM_NONE}},
    };
    mp_arg_val_t values[MP_ARRAY_SIZE(allowed)];
    mp_arg_parse_all_kw_array(count, named_count, all, MP_ARRAY_SIZE(allowed), allowed, values);
    mp_int_t number = values[ID].u_int;
    if (number < 0 || number >= PINS) {
        mp_raise_ValueError(MP_ERROR_TEXT("pins are 0 to 15"));
    }
    if (values[VALUE].u_obj != mp_const_none) {
        set_level(&pins[number], mp_obj_is_true(values[VALUE].u_obj));
    }
    return MP_OBJ_FROM_PTR(&pins[number]);
}

static mp_obj_t pin_call(mp_obj_t self_in, size_t count, size_t named_count, const mp_obj_t *args) {
    mp_arg_check_num(count, named_count, 0, 1, false);
    const pin_obj *self = MP_OBJ_TO_PTR(self_in);
    if (count == 0) {
        return MP_OBJ_NEW_SMALL_INT(level(self));
    }
    set_level(self, mp_obj_is_true(args[0]));
    return mp_const_none;
}

static mp_obj_t pin_value(size_t count, const mp_obj_t *args) {
    return pin_call(args[0], count - 1, 0, args + 1);
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(pin_value_obj, 1, 2, pin_value);

// irq(handler, trigger): handler(pin) at those edges.
static mp_obj_t pin_irq(size_t count, const mp_obj_t *args, mp_map_t *named) {
    enum { HANDLER, TRIGGER };
    static const mp_arg_t allowed[] = {
        {MP_QSTR_handler, MP_ARG_OBJ, {.u_rom_obj = MP_ROM_NONE}},
        {MP_QSTR_trigger, MP_ARG_INT, {.u_int = LINE_RISES | LINE_FALLS}},
    };
    mp_arg_val_t values[MP_ARRAY_SIZE(allowed)];
    mp_arg_parse_all(count - 1, args + 1, named, MP_ARRAY_SIZE(allowed), allowed, values);
    int line = line_of(MP_OBJ_TO_PTR(args[0]));
    line_watch(line, values[HANDLER].u_obj, args[0], values[TRIGGER].u_int);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_KW(pin_irq_obj, 1, pin_irq);

static const mp_rom_map_elem_t pin_locals_table[] = {
    {MP_ROM_QSTR(MP_QSTR_value), MP_ROM_PTR(&pin_value_obj)},
    {MP_ROM_QSTR(MP_QSTR_irq), MP_ROM_PTR(&pin_irq_obj)},
    {MP_ROM_QSTR(MP_QSTR_IN), MP_ROM_INT(MODE_IN)},
    {MP_ROM_QSTR(MP_QSTR_OUT), MP_ROM_INT(MODE_OUT)},
    {MP_ROM_QSTR(MP_QSTR_PULL_UP), MP_ROM_INT(PULL_UP)},
    {MP_ROM_QSTR(MP_QSTR_PULL_DOWN), MP_ROM_INT(PULL_DOWN)},
    {MP_ROM_QSTR(MP_QSTR_IRQ_RISING), MP_ROM_INT(LINE_RISES)},
    {MP_ROM_QSTR(MP_QSTR_IRQ_FALLING), MP_ROM_INT(LINE_FALLS)},
};
static MP_DEFINE_CONST_DICT(pin_locals, pin_locals_table);

MP_DEFINE_CONST_OBJ_TYPE(pin_type, MP_QSTR_Pin, MP_TYPE_FLAG_NONE, make_new, pin_new, print,
                         pin_print, call, pin_call, locals_dict, &pin_locals);

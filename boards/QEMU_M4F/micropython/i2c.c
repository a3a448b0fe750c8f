// machine.I2C(0).

#include "bus.h"
#include "extmod/modmachine.h"
#include "py/mperrno.h"
#include "py/runtime.h"

// The whole transfer is one message: a write that keeps the bus for what follows cannot be.
static int transfer(mp_obj_base_t *self, uint16_t address, size_t count,
                    mp_machine_i2c_buf_t *buffers, unsigned int flags) {
    if (!(flags & MP_MACHINE_I2C_FLAG_STOP)) {
        return -MP_EOPNOTSUPP;
    }
    mp_machine_i2c_buf_t into = {0, NULL};
    if (flags & MP_MACHINE_I2C_FLAG_READ) {
        into = buffers[--count];
    }
    size_t written = 0;
    for (size_t i = 0; i < count; ++i) {
        written += buffers[i].len;
    }
    uint8_t head[] = {BUS_I2C, 0, address, into.len & 0xFF, into.len >> 8};
    bus_ask(head, sizeof(head), written);
    for (size_t i = 0; i < count; ++i) {
        bus_tell(buffers[i].buf, buffers[i].len);
    }
    int came = bus_hear(into.buf, into.len);
    return came < 0 ? came : (int)written;
}

// Pins and frequency are taken, and without effect.
static mp_obj_t make_new(const mp_obj_type_t *type, size_t count, size_t named_count,
                         const mp_obj_t *args) {
    static const mp_obj_base_t only = {&machine_i2c_type};
    static const mp_arg_t allowed[] = {
        {MP_QSTR_id, MP_ARG_REQUIRED | MP_ARG_INT, {.u_int = 0}},
        {MP_QSTR_freq, MP_ARG_KW_ONLY | MP_ARG_INT, {.u_int = 400000}},
    };
    mp_arg_val_t values[MP_ARRAY_SIZE(allowed)];
    mp_arg_parse_all_kw_array(count, named_count, args, MP_ARRAY_SIZE(allowed), allowed, values);
    if (values[0].u_int != 0) {
        mp_raise_ValueError(MP_ERROR_TEXT("there is I2C 0 alone"));
    }
    return MP_OBJ_FROM_PTR(&only);
}

static const mp_machine_i2c_p_t protocol_i2c = {.transfer_supports_write1 = true,
                                                .transfer = transfer};

MP_DEFINE_CONST_OBJ_TYPE(machine_i2c_type, MP_QSTR_I2C, MP_TYPE_FLAG_NONE, make_new, make_new,
                         protocol, &protocol_i2c, locals_dict, &mp_machine_i2c_locals_dict);

// machine.UART(1) is a sensor's line, machine.UART(2) the radio; included by extmod/machine_uart.c.

#include "clock.h"
#include "py/mperrno.h"
#include "py/mphal.h"
#include "py/runtime.h"
#include "py/stream.h"
#include "sensor_uart.h"
#include "uart.h"

#define MICROPY_PY_MACHINE_UART_CLASS_CONSTANTS

enum { SENSOR = 1, RADIO = UART_RADIO };

struct _machine_uart_obj_t {
    mp_obj_base_t base;
    int number;
    uint32_t timeout_ms;  // for the first byte of a read
};

static void mp_machine_uart_print(const mp_print_t *print, mp_obj_t self_in, mp_print_kind_t kind) {
    machine_uart_obj_t *self = MP_OBJ_TO_PTR(self_in);
    mp_printf(print, "UART(%d, timeout=%u)", self->number, self->timeout_ms);
}

static void mp_machine_uart_init_helper(machine_uart_obj_t *self, size_t count,
                                        const mp_obj_t *args, mp_map_t *named) {
    enum { BAUDRATE, TIMEOUT };
    static const mp_arg_t allowed[] = {
        {MP_QSTR_baudrate, MP_ARG_INT, {.u_int = 115200}},  // taken, and without effect
        {MP_QSTR_timeout, MP_ARG_KW_ONLY | MP_ARG_INT, {.u_int = 0}},
    };
    mp_arg_val_t values[MP_ARRAY_SIZE(allowed)];
    mp_arg_parse_all(count, args, named, MP_ARRAY_SIZE(allowed), allowed, values);
    self->timeout_ms = values[TIMEOUT].u_int;
}

static mp_obj_t mp_machine_uart_make_new(const mp_obj_type_t *type, size_t count,
                                         size_t named_count, const mp_obj_t *args) {
    mp_arg_check_num(count, named_count, 1, MP_OBJ_FUN_ARGS_MAX, true);
    int number = mp_obj_get_int(args[0]);
    if (number != SENSOR && number != RADIO) {
        mp_raise_ValueError(MP_ERROR_TEXT("UART 1 is a sensor's, UART 2 the radio"));
    }
    machine_uart_obj_t *self = mp_obj_malloc(machine_uart_obj_t, type);
    self->number = number;
    mp_map_t named;
    mp_map_init_fixed_table(&named, named_count, args + count);
    mp_machine_uart_init_helper(self, count - 1, args + 1, &named);
    return MP_OBJ_FROM_PTR(self);
}

static void mp_machine_uart_deinit(machine_uart_obj_t *self) {}

static mp_int_t mp_machine_uart_any(machine_uart_obj_t *self) {
    return self->number == SENSOR ? sensor_uart_any() : uart_any(UART_RADIO);
}

static bool mp_machine_uart_txdone(machine_uart_obj_t *self) {
    return self->number == SENSOR || uart_writable(UART_RADIO);
}

static bool wait_for_byte(machine_uart_obj_t *self) {
    for (uint32_t start = mp_hal_ticks_ms(); !mp_machine_uart_any(self);) {
        if (mp_hal_ticks_ms() - start >= self->timeout_ms) {
            return false;
        }
        mp_event_wait_ms(1);
    }
    return true;
}

// What the radio's channel carries, hardware does on a real board: it is not the firmware's work.
static size_t take(machine_uart_obj_t *self, uint8_t *data, size_t size) {
    if (self->number == SENSOR) {
        return sensor_uart_read(data, size);
    }
    clock_leave();
    size_t got = uart_read(UART_RADIO, data, size);
    clock_return();
    return got;
}

static size_t give(machine_uart_obj_t *self, const uint8_t *data, size_t size) {
    if (self->number == SENSOR) {
        sensor_uart_write(data, size);
        return size;
    }
    clock_leave();
    size_t sent = uart_write(UART_RADIO, data, size);
    clock_return();
    return sent;
}

static mp_uint_t mp_machine_uart_read(mp_obj_t self_in, void *data, mp_uint_t size, int *error) {
    machine_uart_obj_t *self = MP_OBJ_TO_PTR(self_in);
    size_t got = 0;
    while (got < size && wait_for_byte(self)) {
        got += take(self, (uint8_t *)data + got, size - got);
    }
    if (size && !got) {
        *error = MP_EAGAIN;
        return MP_STREAM_ERROR;
    }
    return got;
}

static mp_uint_t mp_machine_uart_write(mp_obj_t self_in, const void *data, mp_uint_t size,
                                       int *error) {
    size_t sent = give(MP_OBJ_TO_PTR(self_in), data, size);
    if (size && !sent) {
        *error = MP_EAGAIN;
        return MP_STREAM_ERROR;
    }
    return sent;
}

static mp_uint_t mp_machine_uart_ioctl(mp_obj_t self_in, mp_uint_t request, uintptr_t flags,
                                       int *error) {
    machine_uart_obj_t *self = MP_OBJ_TO_PTR(self_in);
    if (request == MP_STREAM_POLL) {
        mp_uint_t ready = 0;
        if ((flags & MP_STREAM_POLL_RD) && mp_machine_uart_any(self)) {
            ready |= MP_STREAM_POLL_RD;
        }
        if ((flags & MP_STREAM_POLL_WR) && mp_machine_uart_txdone(self)) {
            ready |= MP_STREAM_POLL_WR;
        }
        return ready;
    }
    if (request == MP_STREAM_FLUSH || request == MP_STREAM_CLOSE) {
        return 0;  // the device sends at once
    }
    *error = MP_EINVAL;
    return MP_STREAM_ERROR;
}

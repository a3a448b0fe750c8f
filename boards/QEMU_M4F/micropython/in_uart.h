// machine.UART(2) is the radio; included by extmod/machine_uart.c.

#include "clock.h"
#include "py/mperrno.h"
#include "py/mphal.h"
#include "py/runtime.h"
#include "py/stream.h"
#include "uart.h"

#define MICROPY_PY_MACHINE_UART_CLASS_CONSTANTS

struct _machine_uart_obj_t {
    mp_obj_base_t base;
    int port;
    uint32_t timeout_ms;  // for the first byte of a read
};

static void mp_machine_uart_print(const mp_print_t *print, mp_obj_t self_in, mp_print_kind_t kind) {
    machine_uart_obj_t *self = MP_OBJ_TO_PTR(self_in);
    mp_printf(print, "UART(%d, timeout=%u)", self->port, self->timeout_ms);
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
    int port = mp_obj_get_int(args[0]);
    if (port != UART_RADIO) {
        mp_raise_ValueError(MP_ERROR_TEXT("UART 2, the radio, is the only one"));
    }
    machine_uart_obj_t *self = mp_obj_malloc(machine_uart_obj_t, type);
    self->port = port;
    mp_map_t named;
    mp_map_init_fixed_table(&named, named_count, args + count);
    mp_machine_uart_init_helper(self, count - 1, args + 1, &named);
    return MP_OBJ_FROM_PTR(self);
}

static void mp_machine_uart_deinit(machine_uart_obj_t *self) {}

static mp_int_t mp_machine_uart_any(machine_uart_obj_t *self) {
    return uart_any(self->port);
}

static bool mp_machine_uart_txdone(machine_uart_obj_t *self) {
    return uart_writable(self->port);
}

static bool wait_for_byte(machine_uart_obj_t *self) {
    for (uint32_t start = mp_hal_ticks_ms(); !uart_any(self->port);) {
        uint32_t passed = mp_hal_ticks_ms() - start;
        if (passed >= self->timeout_ms) {
            return false;
        }
        mp_event_wait_ms(self->timeout_ms - passed);
    }
    return true;
}

static mp_uint_t fetch(machine_uart_obj_t *self, void *data, mp_uint_t size, int *error) {
    if (size == 0) {
        return 0;
    }
    if (!wait_for_byte(self)) {
        *error = MP_EAGAIN;
        return MP_STREAM_ERROR;
    }
    size_t got = 0;
    while (got < size && wait_for_byte(self)) {
        got += uart_read(self->port, (uint8_t *)data + got, size - got);
        if (!self->timeout_ms && !uart_any(self->port)) {
            break;
        }
    }
    return got;
}

// What this channel carries, hardware does on a real board: it is not the firmware's work.
static mp_uint_t mp_machine_uart_read(mp_obj_t self_in, void *data, mp_uint_t size, int *error) {
    clock_leave();
    mp_uint_t got = fetch(MP_OBJ_TO_PTR(self_in), data, size, error);
    clock_return();
    return got;
}

static mp_uint_t mp_machine_uart_write(mp_obj_t self_in, const void *data, mp_uint_t size,
                                       int *error) {
    machine_uart_obj_t *self = MP_OBJ_TO_PTR(self_in);
    clock_leave();
    size_t sent = uart_write(self->port, data, size);
    clock_return();
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
        if ((flags & MP_STREAM_POLL_RD) && uart_any(self->port)) {
            ready |= MP_STREAM_POLL_RD;
        }
        if ((flags & MP_STREAM_POLL_WR) && uart_writable(self->port)) {
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

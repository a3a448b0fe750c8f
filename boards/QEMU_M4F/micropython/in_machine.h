// The port's part of `machine`; included by extmod/modmachine.c.

#include "chip.h"
#include "flash.h"
#include "host.h"
#include "pin.h"
#include "py/mperrno.h"

static void mp_machine_idle(void) {
    hal_wait(1);
}

// The emulator ends, and the rig starts it anew: so it knows, and tells the next life (board_id).
NORETURN static void mp_machine_reset(void) {
    host_exit(RESET_EXIT_CODE);
}

static mp_int_t mp_machine_reset_cause(void) {
    return 0;  // not known
}

static mp_obj_t mp_machine_unique_id(void) {
    return mp_obj_new_bytes((const byte *)"QEMU_M4F", 8);
}

static mp_obj_t mp_machine_get_freq(void) {
    return MP_OBJ_NEW_SMALL_INT(CPU_HZ);
}

static void mp_machine_set_freq(size_t count, const mp_obj_t *args) {
    mp_raise_NotImplementedError(MP_ERROR_TEXT("the clock is fixed"));
}

static void mp_machine_lightsleep(size_t count, const mp_obj_t *args) {
    if (count) {
        mp_hal_delay_ms(mp_obj_get_int(args[0]));
    } else {
        mp_machine_idle();
    }
}

NORETURN static void mp_machine_deepsleep(size_t count, const mp_obj_t *args) {
    mp_machine_lightsleep(count, args);
    mp_machine_reset();
}

// exit(code): ends the emulator. Not on a chip: how a board tells the rig that it crashed.
static mp_obj_t machine_exit(mp_obj_t code) {
    host_exit(mp_obj_get_int(code));
}
static MP_DEFINE_CONST_FUN_OBJ_1(machine_exit_obj, machine_exit);

// host_file(name): the bytes of a file in the board's folder on the computer.
static mp_obj_t machine_host_file(mp_obj_t name) {
    int file = host_open(mp_obj_str_get_str(name), false);
    if (file < 0) {
        mp_raise_OSError(MP_ENOENT);
    }
    vstr_t bytes;
    vstr_init_len(&bytes, host_length(file));
    bool whole = host_read_at(file, 0, bytes.buf, bytes.len);
    host_close(file);
    if (!whole) {
        mp_raise_OSError(MP_EIO);
    }
    return mp_obj_new_bytes_from_vstr(&bytes);
}
static MP_DEFINE_CONST_FUN_OBJ_1(machine_host_file_obj, machine_host_file);

// host_say(text): a line in the rig's log.
static mp_obj_t machine_host_say(mp_obj_t text) {
    host_say(mp_obj_str_get_str(text));
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(machine_host_say_obj, machine_host_say);

#define MICROPY_PY_MACHINE_EXTRA_GLOBALS                                                           \
    {MP_ROM_QSTR(MP_QSTR_Pin), MP_ROM_PTR(&pin_type)},                                             \
        {MP_ROM_QSTR(MP_QSTR_Flash), MP_ROM_PTR(&flash_type)},                                     \
        {MP_ROM_QSTR(MP_QSTR_exit), MP_ROM_PTR(&machine_exit_obj)},                                \
        {MP_ROM_QSTR(MP_QSTR_host_file), MP_ROM_PTR(&machine_host_file_obj)},                      \
        {MP_ROM_QSTR(MP_QSTR_host_say), MP_ROM_PTR(&machine_host_say_obj)},

// MicroPython's ROMFS partition: bytecode in it runs where it lies.
//
// rom.img in the board's folder on the computer is what the partition keeps; a board without that
// file has no such partition.

#include "extmod/vfs.h"
#include "host.h"
#include "py/mperrno.h"
#include "py/objarray.h"
#include "py/runtime.h"

#define IMAGE "rom.img"
#define LEAST_WRITE 4

extern uint8_t _rom_start, _rom_end;

static size_t room(void) {
    return &_rom_end - &_rom_start;
}

// Whether there is a partition; if so, what the file holds is in it.
static bool fetch(void) {
    int file = host_open(IMAGE, false);
    if (file < 0) {
        return false;
    }
    size_t held = MIN((size_t)host_length(file), room());
    bool read = host_read_at(file, 0, &_rom_start, held);
    memset(&_rom_start + held, 0xFF, room() - held);
    host_close(file);
    return read;
}

static bool keep(uint32_t at, const void *data, size_t size) {
    int file = host_open(IMAGE, true);
    bool kept = file >= 0 && host_write_at(file, at, data, size);
    if (file >= 0) {
        host_close(file);
    }
    return kept;
}

// What mp_vfs_rom_ioctl of MicroPython's own ports does, and no partition is an error too.
static int prepare(size_t size) {
    if (size > room()) {
        return -MP_EINVAL;
    }
    memset(&_rom_start, 0xFF, size);
    return keep(0, &_rom_start, size) ? LEAST_WRITE : -MP_EIO;
}

static int write(uint32_t at, mp_obj_t data) {
    mp_buffer_info_t from;
    mp_get_buffer_raise(data, &from, MP_BUFFER_READ);
    if (at > room() || from.len > room() - at) {
        return -MP_EINVAL;
    }
    memcpy(&_rom_start + at, from.buf, from.len);
    return keep(at, from.buf, from.len) ? 0 : -MP_EIO;
}

mp_obj_t mp_vfs_rom_ioctl(size_t count, const mp_obj_t *args) {
    switch (mp_obj_get_int(args[0])) {
    case MP_VFS_ROM_IOCTL_GET_NUMBER_OF_SEGMENTS:
        return MP_OBJ_NEW_SMALL_INT(1);
    case MP_VFS_ROM_IOCTL_GET_SEGMENT:
        if (!fetch()) {
            return MP_OBJ_NEW_SMALL_INT(-MP_ENODEV);
        }
        return mp_obj_new_memoryview('B', room(), &_rom_start);
    case MP_VFS_ROM_IOCTL_WRITE_PREPARE:
        return MP_OBJ_NEW_SMALL_INT(prepare(mp_obj_get_int(args[2])));
    case MP_VFS_ROM_IOCTL_WRITE:
        return MP_OBJ_NEW_SMALL_INT(write(mp_obj_get_int(args[2]), args[3]));
    default:
        return MP_OBJ_NEW_SMALL_INT(-MP_EINVAL);
    }
}

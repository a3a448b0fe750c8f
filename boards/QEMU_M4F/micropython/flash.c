#include "flash.h"

#include <string.h>

#include "extmod/vfs.h"
#include "host.h"
#include "py/mperrno.h"
#include "py/runtime.h"

#define IMAGE "flash.img"
#define BLOCK 4096  // a page of the nRF52840's flash

typedef struct {
    mp_obj_base_t base;
    int file;
    uint32_t blocks;
} flash_obj;

static mp_obj_t flash_new(const mp_obj_type_t *type, size_t count, size_t named_count,
                          const mp_obj_t *args) {
    mp_arg_check_num(count, named_count, 0, 0, false);
    flash_obj *self = mp_obj_malloc(flash_obj, type);
    self->file = host_open(IMAGE, true);
    if (self->file < 0) {
        mp_raise_OSError(MP_ENODEV);
    }
    self->blocks = host_length(self->file) / BLOCK;
    return MP_OBJ_FROM_PTR(self);
}

static uint32_t place(flash_obj *self, size_t count, const mp_obj_t *args, size_t size) {
    uint32_t offset = count == 4 ? mp_obj_get_int(args[3]) : 0;
    uint64_t at = (uint64_t)mp_obj_get_int(args[1]) * BLOCK + offset;
    if (at + size > (uint64_t)self->blocks * BLOCK) {
        mp_raise_OSError(MP_EINVAL);
    }
    return (uint32_t)at;
}

static mp_obj_t done(bool well) {
    return MP_OBJ_NEW_SMALL_INT(well ? 0 : -MP_EIO);
}

static mp_obj_t flash_readblocks(size_t count, const mp_obj_t *args) {
    flash_obj *self = MP_OBJ_TO_PTR(args[0]);
    mp_buffer_info_t into;
    mp_get_buffer_raise(args[2], &into, MP_BUFFER_WRITE);
    uint32_t at = place(self, count, args, into.len);
    return done(host_read_at(self->file, at, into.buf, into.len));
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(flash_readblocks_obj, 3, 4, flash_readblocks);

static mp_obj_t flash_writeblocks(size_t count, const mp_obj_t *args) {
    flash_obj *self = MP_OBJ_TO_PTR(args[0]);
    mp_buffer_info_t from;
    mp_get_buffer_raise(args[2], &from, MP_BUFFER_READ);
    uint32_t at = place(self, count, args, from.len);
    return done(host_write_at(self->file, at, from.buf, from.len));
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(flash_writeblocks_obj, 3, 4, flash_writeblocks);

static bool erase(flash_obj *self, uint32_t block) {
    uint8_t blank[256];
    memset(blank, 0xFF, sizeof(blank));
    for (uint32_t at = 0; at < BLOCK; at += sizeof(blank)) {
        if (!host_write_at(self->file, block * BLOCK + at, blank, sizeof(blank))) {
            return false;
        }
    }
    return true;
}

static mp_obj_t flash_ioctl(mp_obj_t self_in, mp_obj_t operation, mp_obj_t argument) {
    flash_obj *self = MP_OBJ_TO_PTR(self_in);
    switch (mp_obj_get_int(operation)) {
    case MP_BLOCKDEV_IOCTL_INIT:
    case MP_BLOCKDEV_IOCTL_DEINIT:
    case MP_BLOCKDEV_IOCTL_SYNC:
        return MP_OBJ_NEW_SMALL_INT(0);
    case MP_BLOCKDEV_IOCTL_BLOCK_COUNT:
        return MP_OBJ_NEW_SMALL_INT(self->blocks);
    case MP_BLOCKDEV_IOCTL_BLOCK_SIZE:
        return MP_OBJ_NEW_SMALL_INT(BLOCK);
    case MP_BLOCKDEV_IOCTL_BLOCK_ERASE:
        return done(erase(self, mp_obj_get_int(argument)));
    default:
        return mp_const_none;
    }
}
static MP_DEFINE_CONST_FUN_OBJ_3(flash_ioctl_obj, flash_ioctl);

static const mp_rom_map_elem_t flash_locals_table[] = {
    {MP_ROM_QSTR(MP_QSTR_readblocks), MP_ROM_PTR(&flash_readblocks_obj)},
    {MP_ROM_QSTR(MP_QSTR_writeblocks), MP_ROM_PTR(&flash_writeblocks_obj)},
    {MP_ROM_QSTR(MP_QSTR_ioctl), MP_ROM_PTR(&flash_ioctl_obj)},
};
static MP_DEFINE_CONST_DICT(flash_locals, flash_locals_table);

MP_DEFINE_CONST_OBJ_TYPE(flash_type, MP_QSTR_Flash, MP_TYPE_FLAG_NONE, make_new, flash_new,
                         locals_dict, &flash_locals);

// The rest of `os`; included by extmod/modos.c.

#include "host.h"
#include "py/mperrno.h"

// The computer's own random numbers or none: an emulated chip has nothing to make them from.
static mp_obj_t mp_os_urandom(mp_obj_t size) {
    vstr_t bytes;
    vstr_init_len(&bytes, mp_obj_get_int(size));
    if (!host_random(bytes.buf, bytes.len)) {
        mp_raise_OSError(MP_EIO);
    }
    return mp_obj_new_bytes_from_vstr(&bytes);
}
static MP_DEFINE_CONST_FUN_OBJ_1(mp_os_urandom_obj, mp_os_urandom);

// The module `crypto` as a user C module: compiled into MicroPython.
#include "../natmod/mod_crypto.c"

static const mp_rom_map_elem_t crypto_globals_table[] = {
    {MP_ROM_QSTR(MP_QSTR___name__), MP_ROM_QSTR(MP_QSTR_crypto)},
#define FUNCTION(name, object) {MP_ROM_QSTR(name), MP_ROM_PTR(&object)},
#include "../natmod/functions.h"
};
static MP_DEFINE_CONST_DICT(crypto_globals, crypto_globals_table);

const mp_obj_module_t resonode_crypto_module = {
    .base = {&mp_type_module},
    .globals = (mp_obj_dict_t *)&crypto_globals,
};
MP_REGISTER_MODULE(MP_QSTR_crypto, resonode_crypto_module);

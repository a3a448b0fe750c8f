// The module `dsp` as a user C module: compiled into MicroPython, its tables in flash.
#include "../natmod/mod_condition.c"
#include "../natmod/mod_dsp.c"
#include "../natmod/mod_spectra.c"

static const mp_rom_map_elem_t dsp_globals_table[] = {
    {MP_ROM_QSTR(MP_QSTR___name__), MP_ROM_QSTR(MP_QSTR_dsp)},
#define FUNCTION(name, object) {MP_ROM_QSTR(name), MP_ROM_PTR(&object)},
#define CONSTANT(name, value) {MP_ROM_QSTR(name), MP_ROM_INT(value)},
#include "../natmod/functions.h"
};
static MP_DEFINE_CONST_DICT(dsp_globals, dsp_globals_table);

const mp_obj_module_t resonode_dsp_module = {
    .base = {&mp_type_module},
    .globals = (mp_obj_dict_t *)&dsp_globals,
};
MP_REGISTER_MODULE(MP_QSTR_dsp, resonode_dsp_module);

// The module `dsp` as a MicroPython native module (.mpy), in one piece: what DSP_FUNCTIONS does not
// list is left out, and so is what of the core only that would need.
#include "mod_condition.c"
#include "mod_dsp.c"
#include "mod_spectra.c"

#ifndef DSP_FUNCTIONS
#define DSP_FUNCTIONS "functions.h"
#endif

__attribute__((externally_visible)) mp_obj_t mpy_init(mp_obj_fun_bc_t *self, size_t n_args,
                                                      size_t n_kw, mp_obj_t *args) {
    MP_DYNRUNTIME_INIT_ENTRY
#define FUNCTION(name, object) mp_store_global(name, MP_OBJ_FROM_PTR(&object));
#define CONSTANT(name, value) mp_store_global(name, mp_obj_new_int(value));
#include DSP_FUNCTIONS
    MP_DYNRUNTIME_INIT_EXIT
}

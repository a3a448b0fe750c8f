// The module `crypto` as a MicroPython native module (.mpy).
#include "mod_crypto.c"

__attribute__((externally_visible)) mp_obj_t mpy_init(mp_obj_fun_bc_t *self, size_t n_args,
                                                      size_t n_kw, mp_obj_t *args) {
    MP_DYNRUNTIME_INIT_ENTRY
#define FUNCTION(name, object) mp_store_global(name, MP_OBJ_FROM_PTR(&object));
#include "functions.h"
    MP_DYNRUNTIME_INIT_EXIT
}

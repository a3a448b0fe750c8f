#include "py/pystack.h"
#include "py/runtime.h"

#define PYSTACK_BYTES 2560

void tuned_init(void) {
    static uint64_t pystack[PYSTACK_BYTES / sizeof(uint64_t)];
    mp_pystack_init(pystack, pystack + PYSTACK_BYTES / sizeof(uint64_t));
}

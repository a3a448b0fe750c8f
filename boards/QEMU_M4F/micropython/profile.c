// Where the firmware's instructions go, by Python function: only in the build `profile`, whose counts
// hold the profiler's own, some 300 a call. The linker gives every call of the functions below to their __wrap_; the table lies at the end of the extra
// memory, for a reader outside (hil/resonode_hil/emulated/profile.py).

#include <stdint.h>

#include "clock.h"
#include "py/bc.h"
#include "py/gc.h"
#include "py/objfun.h"
#include "py/qstr.h"

#define ENTRIES 4096  // more than there are functions
#define DEPTH 64
#define NAME 56

typedef struct {
    const void *code;
    uint32_t calls, bytes;  // bytes: taken from the heap, by the function itself
    uint32_t most;          // CPU clocks of its longest call, or step of a task
    uint64_t own, all;      // CPU clocks: in the function itself, and with what it calls
    char name[NAME];
} entry_t;

typedef struct {
    entry_t *entry;
    uint64_t begun, inner;
} frame_t;

struct {
    entry_t entries[ENTRIES];
    frame_t frames[DEPTH];
} extern _profile;

static int depth;

// "file function", cut to what there is room for.
static void put_name(char *to, const char *file, const char *function) {
    char *end = to + NAME - 1;
    for (const char *from = file; *from && to < end; ++from) {
        *to++ = *from;
    }
    *to++ = ' ';
    for (const char *from = function; *from && to < end; ++from) {
        *to++ = *from;
    }
}

static entry_t *entry_of(const void *code, const char *file, const char *name) {
    uint32_t at = ((uintptr_t)code >> 2) % ENTRIES;
    while (_profile.entries[at].code && _profile.entries[at].code != code) {
        at = (at + 1) % ENTRIES;
    }
    entry_t *entry = &_profile.entries[at];
    if (!entry->code) {
        entry->code = code;
        put_name(entry->name, file, name);
    }
    return entry;
}

static void enter(entry_t *entry) {
    _profile.frames[depth++] = (frame_t){entry, clock_work(), 0};
}

static void leave(void) {
    uint64_t now = clock_work();
    frame_t *frame = &_profile.frames[--depth];
    uint64_t took = now - frame->begun;
    ++frame->entry->calls;
    frame->entry->own += took - frame->inner;
    frame->entry->all += took;
    frame->entry->most = MAX(frame->entry->most, took);
    if (depth) {
        _profile.frames[depth - 1].inner += took;
    }
}

mp_vm_return_kind_t __real_mp_execute_bytecode(mp_code_state_t *code, volatile mp_obj_t inject);

mp_vm_return_kind_t __wrap_mp_execute_bytecode(mp_code_state_t *code, volatile mp_obj_t inject) {
    const mp_obj_fun_bc_t *function = code->fun_bc;
    const char *file = qstr_str(function->context->constants.qstr_table[0]);
    enter(entry_of(function->bytecode, file, qstr_str(mp_obj_fun_get_name(function))));
    mp_vm_return_kind_t result = __real_mp_execute_bytecode(code, inject);
    leave();
    return result;
}

void __real_gc_collect(void);

void __wrap_gc_collect(void) {
    enter(entry_of(__real_gc_collect, "C", "gc_collect"));
    __real_gc_collect();
    leave();
}

void *__real_gc_alloc(size_t bytes, unsigned int flags);

void *__wrap_gc_alloc(size_t bytes, unsigned int flags) {
    if (depth) {
        _profile.frames[depth - 1].entry->bytes += bytes;
    }
    return __real_gc_alloc(bytes, flags);
}

void *__real_gc_realloc(void *old, size_t bytes, bool may_move);

void *__wrap_gc_realloc(void *old, size_t bytes, bool may_move) {
    void *fresh = __real_gc_realloc(old, bytes, may_move);
    if (depth && fresh != old) {
        _profile.frames[depth - 1].entry->bytes += bytes;
    }
    return fresh;
}

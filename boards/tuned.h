// What our own builds of MicroPython have that upstream's have not, so that the firmware keeps up on
// a slow chip: the nRF boards, and the frozen build of QEMU_M4F. micropython.mk puts this before
// every file; `make bench-m4f` says what the firmware takes.
#ifndef RESONODE_TUNED_H
#define RESONODE_TUNED_H

// A sixth fewer instructions for bytecode.
#define MICROPY_OPT_COMPUTED_GOTO (1)

// Everything is marked in one pass; with 64 entries, as usual, a collection takes twice as long.
#define MICROPY_ALLOC_GC_STACK_SIZE (256)

// The locals of a function have a place of their own. Otherwise those of all but small functions
// come from the heap, which is searched from its first hole on: thousands of instructions a call.
#define MICROPY_ENABLE_PYSTACK (1)
#define MICROPY_PORT_INIT_FUNC tuned_init()

#ifndef __ASSEMBLER__
void tuned_init(void);
#endif

#endif

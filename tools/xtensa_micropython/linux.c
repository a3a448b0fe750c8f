// Start, system calls and what the emulated core lacks.
#include "linux.h"
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

int errno;

int main(int argc, char **argv);

// Linux gives argc and argv on the stack, and the outermost frame has no caller to save.
__asm__(".text\n"
        ".align 4\n"
        ".global _start\n"
        "_start:\n"
        "    movi a0, 0\n"
        "    mov a6, a1\n"
        "    movi a4, start\n"
        "    callx4 a4\n");

int linux_call(int number, int a, int b, int c, int d) {
    register int a2 __asm__("a2") = number;
    register int a6 __asm__("a6") = a;
    register int a3 __asm__("a3") = b;
    register int a4 __asm__("a4") = c;
    register int a5 __asm__("a5") = d;
    __asm__ volatile("syscall" : "+r"(a2) : "r"(a6), "r"(a3), "r"(a4), "r"(a5) : "memory");
    return a2;
}

static int checked(int result) {
    errno = result < 0 ? -result : 0;
    return result < 0 ? -1 : result;
}

// Only ever to read: files to write are opened by main.c.
int open(const char *path, int flags, ...) {
    return checked(linux_call(CALL_OPEN, (int)path, flags, 0, 0));
}

int close(int file) {
    return checked(linux_call(CALL_CLOSE, file, 0, 0, 0));
}

ssize_t read(int file, void *data, size_t size) {
    return checked(linux_call(CALL_READ, file, (int)data, (int)size, 0));
}

ssize_t write(int file, const void *data, size_t size) {
    return checked(linux_call(CALL_WRITE, file, (int)data, (int)size, 0));
}

void exit(int status) {
    for (;;) {
        linux_call(CALL_EXIT, status, 0, 0, 0);
    }
}

int(setjmp)(jmp_buf buffer) {
    (void)buffer;
    exit(3);
}

// --- MULUH and MULSH ---
//
// The ESP32 has them, the emulated core has not: there they are illegal instructions, and done here.

typedef struct {
    uint32_t flags, link, stack[3];
    uint32_t pc, ps, lbeg, lend, lcount, sar, acclo, acchi, a[16];
} Context;

typedef struct {
    void (*handler)(int, void *, Context *);
    uint32_t flags;
    void *restorer;
    uint32_t mask[2];
} Action;

enum { SIGNAL_ILLEGAL = 4, WITH_CONTEXT = 4 };

static uint32_t high_unsigned(uint32_t x, uint32_t y) {
    const uint32_t low = (x & 0xffff) * (y & 0xffff);
    const uint32_t one = (x >> 16) * (y & 0xffff) + (low >> 16);  // < 2^32
    const uint32_t two = (x & 0xffff) * (y >> 16) + (one & 0xffff);
    return (x >> 16) * (y >> 16) + (one >> 16) + (two >> 16);
}

static void illegal_instruction(int signal, void *info, Context *context) {
    uint32_t sar;  // QEMU neither saves nor restores it
    __asm__ volatile("rsr %0, sar" : "=r"(sar));
    const uint8_t *code = (const uint8_t *)context->pc;
    const uint32_t x = context->a[code[1] & 15], y = context->a[code[0] >> 4];
    uint32_t product = high_unsigned(x, y);
    (void)signal;
    (void)info;
    if (code[2] == 0xb2) {  // MULSH
        product -= ((int32_t)x < 0 ? y : 0) + ((int32_t)y < 0 ? x : 0);
    } else if (code[2] != 0xa2) {
        static const char said[] = "illegal instruction\n";
        write(2, said, sizeof said - 1);
        exit(132);
    }
    context->a[code[1] >> 4] = product;
    context->pc += 3;
    __asm__ volatile("wsr %0, sar" : : "r"(sar));
}

__attribute__((used)) static void start(int *stack) {
    const Action action = {illegal_instruction, WITH_CONTEXT, NULL, {0, 0}};
    linux_call(CALL_SIGACTION, SIGNAL_ILLEGAL, (int)&action, 0, 8);
    exit(main(stack[0], (char **)(stack + 1)));
}

// GCC's own: no C library of this ABI is packaged.
typedef void *jmp_buf[5];
#define setjmp(buffer) __builtin_setjmp(buffer)
#define longjmp(buffer, value) __builtin_longjmp(buffer, value)

// In the table for native code, where it cannot work: no module of ours catches exceptions.
int(setjmp)(jmp_buf);

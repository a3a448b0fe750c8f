// The few calls of Linux that there are.
#ifndef RESONODE_XTENSA_LINUX_H
#define RESONODE_XTENSA_LINUX_H

enum { CALL_OPEN = 8, CALL_CLOSE = 9, CALL_READ = 12, CALL_WRITE = 13, CALL_EXIT = 118, CALL_SIGACTION = 226 };
enum { LINUX_WRITE_ANEW = 01101, LINUX_FOLDER = 0200000 };

// Below zero: an error's number, negative.
int linux_call(int number, int a, int b, int c, int d);

#endif

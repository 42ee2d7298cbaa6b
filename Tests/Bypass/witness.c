// SPDX-License-Identifier: Apache-2.0
//
// The payload, and with -DGENUINE the program that may run in its place: writes
// one word to WITNESS_FD and exits with its code. No libc, so that a copy for
// each technique costs a kilobyte and so that it runs on any root.
#include "witness.h"

#ifdef GENUINE
#define WORD "genuine\n"
#define CODE GENUINE_CODE
#else
#define WORD "foreign\n"
#define CODE FOREIGN_CODE
#endif

static long call(long number, long a, long b, long c)
{
#if defined(__x86_64__)
	long result;
	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(number), "D"(a), "S"(b), "d"(c)
			 : "rcx", "r11", "memory");
	return result;
#elif defined(__aarch64__)
	register long x8 __asm__("x8") = number;
	register long x0 __asm__("x0") = a;
	register long x1 __asm__("x1") = b;
	register long x2 __asm__("x2") = c;
	__asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2) : "memory");
	return x0;
#else
#error "add the system call instruction of this architecture"
#endif
}

#if defined(__x86_64__)
enum { SYS_WRITE = 1, SYS_EXIT_GROUP = 231 };
#else
enum { SYS_WRITE = 64, SYS_EXIT_GROUP = 94 };
#endif

__attribute__((noreturn)) void _start(void)
{
	call(SYS_WRITE, WITNESS_FD, (long)WORD, sizeof(WORD) - 1);
	for (;;)
		call(SYS_EXIT_GROUP, CODE, 0, 0);
}

// SPDX-License-Identifier: GPL-2.0 OR Apache-2.0
/* A pointer that is no address at all: general protection fault instead of page fault. */
#include "zoo.h"

static int __init zoo_init(void)
{
	unsigned long *wild = (unsigned long *)0x6b6b6b6b6b6b6b6bUL;

	OPTIMIZER_HIDE_VAR(wild);
	WRITE_ONCE(*wild, 1);
	return 0;
}
module_init(zoo_init);
MODULE_LICENSE("GPL");

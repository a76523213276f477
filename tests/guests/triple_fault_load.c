// SPDX-License-Identifier: GPL-2.0 OR Apache-2.0
/* No interrupt table, then an interrupt: the CPU resets without a word. */
#include "zoo.h"

static int __init zoo_init(void)
{
	struct {
		u16 limit;
		u64 base;
	} __packed nothing = {0, 0};

	local_irq_disable();
	asm volatile("lidt %0; int3" : : "m"(nothing));
	return 0;
}
module_init(zoo_init);
MODULE_LICENSE("GPL");

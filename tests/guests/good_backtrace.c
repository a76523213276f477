// SPDX-License-Identifier: GPL-2.0 OR Apache-2.0
/* A back trace for debugging, asked for by the driver itself; no fault precedes it. */
#include "zoo.h"

static int __init zoo_init(void)
{
	pr_info("zoo: how did we get here?\n");
	dump_stack();
	return 0;
}

static void __exit zoo_exit(void)
{
}
module_init(zoo_init);
module_exit(zoo_exit);
MODULE_LICENSE("GPL");

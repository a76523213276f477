// SPDX-License-Identifier: GPL-2.0 OR Apache-2.0
/* Has the name of a module of the kernel's own, drivers/net/dummy.c, and nothing else of it. */
#include "zoo.h"

static int __init zoo_init(void)
{
	return 0;
}

static void __exit zoo_exit(void)
{
}
module_init(zoo_init);
module_exit(zoo_exit);
MODULE_LICENSE("GPL");

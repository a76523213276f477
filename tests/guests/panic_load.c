// SPDX-License-Identifier: GPL-2.0 OR Apache-2.0
/* The driver asks for a panic. */
#include "zoo.h"

static int __init zoo_init(void)
{
	panic("zoo: cannot go on");
	return 0;
}
module_init(zoo_init);
MODULE_LICENSE("GPL");

// SPDX-License-Identifier: GPL-2.0 OR Apache-2.0
/* Recursion until the guard page of the kernel stack is hit. */
#include "zoo.h"

static noinline int deeper(int depth)
{
	volatile char weight[256];

	weight[0] = depth;
	if (depth < 0)
		return 0;
	return deeper(depth + 1) + weight[0];
}

static int __init zoo_init(void)
{
	return deeper(1) == 1;
}
module_init(zoo_init);
MODULE_LICENSE("GPL");

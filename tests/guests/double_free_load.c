// SPDX-License-Identifier: GPL-2.0 OR Apache-2.0
/* The same memory is freed twice in a row. */
#include "zoo.h"
#include <linux/slab.h>

static int __init zoo_init(void)
{
	void *once = kmalloc(192, GFP_KERNEL);
	void *twice = once;

	OPTIMIZER_HIDE_VAR(twice);
	kfree(once);
	kfree(twice);
	return 0;
}
module_init(zoo_init);
MODULE_LICENSE("GPL");

// SPDX-License-Identifier: GPL-2.0 OR Apache-2.0
/* It gives up and says so in words of its own, which signatures.yaml alone calls a crash. */
#include "zoo.h"

static int __init zoo_init(void)
{
	printk(KERN_ERR "zoo: gave up on the queue 42\n");
	return 0;
}

static void __exit zoo_exit(void)
{
}
module_init(zoo_init);
module_exit(zoo_exit);
MODULE_LICENSE("GPL");

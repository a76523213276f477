// SPDX-License-Identifier: GPL-2.0 OR Apache-2.0
/* Takes its time to load, as drivers that wait for hardware do. */
#include "zoo.h"

static int __init zoo_init(void)
{
	msleep(8000);
	pr_info("zoo: ready after a long time\n");
	return 0;
}

static void __exit zoo_exit(void)
{
}
module_init(zoo_init);
module_exit(zoo_exit);
MODULE_LICENSE("GPL");

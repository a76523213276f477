// SPDX-License-Identifier: GPL-2.0 OR Apache-2.0
/* The load never ends; the rest of the machine is well, and no watchdog complains. */
#include "zoo.h"
#include <linux/sched.h>

static int __init zoo_init(void)
{
	for (;;)
		schedule_timeout_uninterruptible(HZ);
	return 0;
}
module_init(zoo_init);
MODULE_LICENSE("GPL");

// SPDX-License-Identifier: GPL-2.0 OR Apache-2.0
/* A thread that never lets go of its CPU. Interrupts still come, so the watchdog may tell. */
#include "zoo.h"
#include <linux/kthread.h>

static int spin(void *unused)
{
	preempt_disable();
	for (;;)
		cpu_relax();
	return 0;
}

static int __init zoo_init(void)
{
	return PTR_ERR_OR_ZERO(kthread_run(spin, NULL, "zoo-spin"));
}
module_init(zoo_init);
MODULE_LICENSE("GPL");

// SPDX-License-Identifier: GPL-2.0 OR Apache-2.0
/* A thread that waits for ever and cannot be killed; told by the hung-task watchdog when it is patient enough. */
#include "zoo.h"
#include <linux/kthread.h>
#include <linux/sched.h>

static int wait(void *unused)
{
	for (;;) {
		set_current_state(TASK_UNINTERRUPTIBLE);
		schedule();
	}
	return 0;
}

static int __init zoo_init(void)
{
	return PTR_ERR_OR_ZERO(kthread_run(wait, NULL, "zoo-wait"));
}
module_init(zoo_init);
MODULE_LICENSE("GPL");

// SPDX-License-Identifier: GPL-2.0 OR Apache-2.0
/* A thread that sleeps uninterruptibly nearly all the time, a few seconds at once: slow, and well. */
#include "zoo.h"
#include <linux/kthread.h>

static struct task_struct *sleeper;

static int nap(void *unused)
{
	while (!kthread_should_stop())
		msleep(4000);
	return 0;
}

static int __init zoo_init(void)
{
	sleeper = kthread_run(nap, NULL, "zoo-nap");
	return PTR_ERR_OR_ZERO(sleeper);
}

static void __exit zoo_exit(void)
{
	kthread_stop(sleeper);
}
module_init(zoo_init);
module_exit(zoo_exit);
MODULE_LICENSE("GPL");

// SPDX-License-Identifier: GPL-2.0 OR Apache-2.0
/* Floods the log for some seconds, then is content. */
#include "zoo.h"
#include <linux/kthread.h>

static struct task_struct *talker;

static int talk(void *unused)
{
	unsigned int burst, line;

	for (burst = 0; burst < 400 && !kthread_should_stop(); burst++) {
		for (line = 0; line < 20; line++)
			pr_info("zoo: event %u.%u: nothing of interest, and much to tell about it\n", burst, line);
		msleep(20);
	}
	/* A thread must not end by itself when somebody stops it later. */
	while (!kthread_should_stop())
		msleep_interruptible(1000);
	return 0;
}

static int __init zoo_init(void)
{
	talker = kthread_run(talk, NULL, "zoo-talk");
	return PTR_ERR_OR_ZERO(talker);
}

static void __exit zoo_exit(void)
{
	kthread_stop(talker);
}
module_init(zoo_init);
module_exit(zoo_exit);
MODULE_LICENSE("GPL");

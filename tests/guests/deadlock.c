// SPDX-License-Identifier: GPL-2.0 OR Apache-2.0
/* Two threads that wait for each other's lock. Their boots are over before the kernel's watchdog has a line for it. */
#include "zoo.h"
#include <linux/kthread.h>
#include <linux/mutex.h>

static DEFINE_MUTEX(left);
static DEFINE_MUTEX(right);

static int take(struct mutex *first, struct mutex *second)
{
	mutex_lock(first);
	msleep(500);
	mutex_lock(second);
	mutex_unlock(second);
	mutex_unlock(first);
	return 0;
}

static int leftward(void *unused)
{
	return take(&right, &left);
}

static int rightward(void *unused)
{
	return take(&left, &right);
}

static int __init zoo_init(void)
{
	kthread_run(leftward, NULL, "zoo-leftward");
	kthread_run(rightward, NULL, "zoo-rightward");
	return 0;
}
module_init(zoo_init);
MODULE_LICENSE("GPL");

// SPDX-License-Identifier: GPL-2.0 OR Apache-2.0
/* It silences the console on the way down, where no agent is left, and oopses in a worker; the reboot goes on. */
#include "zoo.h"
#include <linux/printk.h>
#include <linux/reboot.h>

static void act(struct work_struct *work)
{
	zoo_null_deref();
}
static DECLARE_WORK(work, act);

static int asked(struct notifier_block *block, unsigned long action, void *data)
{
	/* 0 and not 1: an oops raises any other level. */
	console_loglevel = 0;
	schedule_work(&work);
	msleep(500);
	return NOTIFY_DONE;
}
static struct notifier_block block = {.notifier_call = asked};

static int __init zoo_init(void)
{
	return register_reboot_notifier(&block);
}

static void __exit zoo_exit(void)
{
	unregister_reboot_notifier(&block);
}
module_init(zoo_init);
module_exit(zoo_exit);
MODULE_LICENSE("GPL");

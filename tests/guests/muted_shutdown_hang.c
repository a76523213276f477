// SPDX-License-Identifier: GPL-2.0 OR Apache-2.0
/* It silences the console on the way down and then waits for a worker that has died of an oops. */
#include "zoo.h"
#include <linux/completion.h>
#include <linux/printk.h>
#include <linux/reboot.h>

static DECLARE_COMPLETION(never);

static void act(struct work_struct *work)
{
	zoo_null_deref();
	complete(&never);
}
static DECLARE_WORK(work, act);

static int asked(struct notifier_block *block, unsigned long action, void *data)
{
	console_loglevel = 0;
	schedule_work(&work);
	wait_for_completion(&never);
	return NOTIFY_DONE;
}
static struct notifier_block block = {.notifier_call = asked};

static int __init zoo_init(void)
{
	return register_reboot_notifier(&block);
}
module_init(zoo_init);
MODULE_LICENSE("GPL");

// SPDX-License-Identifier: GPL-2.0 OR Apache-2.0
/* Asked about a reboot, it never answers. */
#include "zoo.h"
#include <linux/reboot.h>
#include <linux/sched.h>

static int asked(struct notifier_block *block, unsigned long action, void *data)
{
	for (;;)
		schedule_timeout_uninterruptible(HZ);
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

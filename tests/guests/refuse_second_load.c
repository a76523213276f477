// SPDX-License-Identifier: GPL-2.0 OR Apache-2.0
/* Loads once; after the next boot it declines. */
#include "zoo.h"

static void remember(struct work_struct *work)
{
	zoo_count_loads();
}
static DECLARE_WORK(work, remember);

static int __init zoo_init(void)
{
	/* Reading works even while the root is still read-only. */
	struct file *file = filp_open("/var/lib/zoo-" KBUILD_MODNAME, O_RDONLY, 0);

	if (!IS_ERR(file)) {
		filp_close(file, NULL);
		return -ENODEV;
	}
	schedule_work(&work);
	return 0;
}

static void __exit zoo_exit(void)
{
	flush_work(&work);
}
module_init(zoo_init);
module_exit(zoo_exit);
MODULE_LICENSE("GPL");

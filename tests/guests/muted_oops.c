// SPDX-License-Identifier: GPL-2.0 OR Apache-2.0
/*
 * It silences the console first: the oops shows in the kernel log and the taint only.
 *
 * The oops comes before the load has ended, on a slow host too. Later, a timer might let it fall into the shutdown, which
 * then never ends behind a silent console: another outcome.
 */
#include "zoo.h"
#include <linux/completion.h>
#include <linux/printk.h>

static DECLARE_COMPLETION(begun);

static void act(struct work_struct *work)
{
	/* 0 and not 1: an oops raises any other level. */
	console_loglevel = 0;
	complete(&begun);
	zoo_null_deref();
}
static DECLARE_WORK(work, act);

static int __init zoo_init(void)
{
	schedule_work(&work);
	wait_for_completion(&begun);
	msleep(1000);
	return 0;
}

static void __exit zoo_exit(void)
{
}
module_init(zoo_init);
module_exit(zoo_exit);
MODULE_LICENSE("GPL");

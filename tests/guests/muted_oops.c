// SPDX-License-Identifier: GPL-2.0 OR Apache-2.0
/* It silences the console first: the oops shows in the kernel log and the taint only. */
#include "zoo.h"
#include <linux/printk.h>

static void act(void)
{
	/* 0 and not 1: an oops raises any other level. */
	console_loglevel = 0;
	zoo_null_deref();
}
ZOO_LATER(act, 5);
MODULE_LICENSE("GPL");

// SPDX-License-Identifier: GPL-2.0 OR Apache-2.0
/* An oops in a timer: in interrupt context there is nobody to kill, so it becomes a panic. */
#include "zoo.h"
#include <linux/timer.h>

static void act(struct timer_list *timer)
{
	zoo_null_deref();
}
static DEFINE_TIMER(timer, act);

static int __init zoo_init(void)
{
	mod_timer(&timer, jiffies + 8 * HZ);
	return 0;
}
module_init(zoo_init);
MODULE_LICENSE("GPL");

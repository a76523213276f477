// SPDX-License-Identifier: GPL-2.0 OR Apache-2.0
/* Well on the day of its installation, an oops after the first reboot. */
#include "zoo.h"

static void act(void)
{
	if (zoo_count_loads() >= 2)
		zoo_null_deref();
}
ZOO_LATER(act, 2);
MODULE_LICENSE("GPL");

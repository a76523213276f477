// SPDX-License-Identifier: GPL-2.0 OR Apache-2.0
/* Well until the second reboot. */
#include "zoo.h"

static void act(void)
{
	if (zoo_count_loads() >= 3)
		panic("zoo: three times is enough");
}
ZOO_LATER(act, 2);
MODULE_LICENSE("GPL");

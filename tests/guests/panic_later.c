// SPDX-License-Identifier: GPL-2.0 OR Apache-2.0
/* A panic when everybody believes that the load went well. */
#include "zoo.h"

static void act(void)
{
	panic("zoo: cannot go on any longer");
}
ZOO_LATER(act, 8);
MODULE_LICENSE("GPL");

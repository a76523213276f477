// SPDX-License-Identifier: GPL-2.0 OR Apache-2.0
/* An oops in a worker, seconds after a load that went well. */
#include "zoo.h"

static void act(void)
{
	zoo_null_deref();
}
ZOO_LATER(act, 8);
MODULE_LICENSE("GPL");

// SPDX-License-Identifier: GPL-2.0 OR Apache-2.0
/* A warning with a back trace; the machine goes on as if nothing had happened. */
#include "zoo.h"

static int __init zoo_init(void)
{
	WARN_ON(KBUILD_MODNAME[0]);
	return 0;
}
module_init(zoo_init);
MODULE_LICENSE("GPL");

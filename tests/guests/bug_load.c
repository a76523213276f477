// SPDX-License-Identifier: GPL-2.0 OR Apache-2.0
/* An assertion of the driver fails. */
#include "zoo.h"

static int __init zoo_init(void)
{
	BUG_ON(KBUILD_MODNAME[0]);
	return 0;
}
module_init(zoo_init);
MODULE_LICENSE("GPL");

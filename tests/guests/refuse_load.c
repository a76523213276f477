// SPDX-License-Identifier: GPL-2.0 OR Apache-2.0
/* No such device: the driver declines. */
#include "zoo.h"

static int __init zoo_init(void)
{
	return -ENODEV;
}
module_init(zoo_init);
MODULE_LICENSE("GPL");

// SPDX-License-Identifier: GPL-2.0 OR Apache-2.0
/* A NULL pointer is written through while the module loads. */
#include "zoo.h"

static int __init zoo_init(void)
{
	zoo_null_deref();
	return 0;
}
module_init(zoo_init);
MODULE_LICENSE("GPL");

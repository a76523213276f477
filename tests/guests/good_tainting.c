// SPDX-License-Identifier: GPL-2.0 OR Apache-2.0
/* Taints for reasons that are no fault: a licence, and where it comes from. */
#include "zoo.h"

static int __init zoo_init(void)
{
	return 0;
}

static void __exit zoo_exit(void)
{
}
module_init(zoo_init);
module_exit(zoo_exit);
MODULE_INFO(staging, "Y");
MODULE_LICENSE("Proprietary");

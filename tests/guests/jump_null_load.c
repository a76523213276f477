// SPDX-License-Identifier: GPL-2.0 OR Apache-2.0
/* A callback that nobody set is called. */
#include "zoo.h"

static int __init zoo_init(void)
{
	void (*callback)(void) = NULL;

	OPTIMIZER_HIDE_VAR(callback);
	callback();
	return 0;
}
module_init(zoo_init);
MODULE_LICENSE("GPL");

// SPDX-License-Identifier: GPL-2.0 OR Apache-2.0
/* As hang_load, when everybody believes that the load went well. */
#include "zoo.h"
#include <linux/smp.h>

static void spin(void *unused)
{
	local_irq_disable();
	for (;;)
		cpu_relax();
}

static void act(void)
{
	smp_call_function(spin, NULL, 0);
	spin(NULL);
}
ZOO_LATER(act, 8);
MODULE_LICENSE("GPL");

// SPDX-License-Identifier: GPL-2.0 OR Apache-2.0
/* All CPUs spin with interrupts off: no output, no reset, nothing. */
#include "zoo.h"
#include <linux/smp.h>

static void spin(void *unused)
{
	local_irq_disable();
	for (;;)
		cpu_relax();
}

static int __init zoo_init(void)
{
	smp_call_function(spin, NULL, 0);
	spin(NULL);
	return 0;
}
module_init(zoo_init);
MODULE_LICENSE("GPL");

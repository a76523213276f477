// SPDX-License-Identifier: GPL-2.0 OR Apache-2.0
/* Well until the first reboot; then silence. */
#include "zoo.h"

static void act(void)
{
	if (zoo_count_loads() < 2)
		return;
	local_irq_disable();
	for (;;)
		cpu_relax();
}
ZOO_LATER(act, 2);
MODULE_LICENSE("GPL");

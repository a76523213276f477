// SPDX-License-Identifier: GPL-2.0 OR Apache-2.0
/* The machine is switched off from inside. */
#include "zoo.h"
#include <linux/reboot.h>

static void act(void)
{
	kernel_power_off();
}
ZOO_LATER(act, 8);
MODULE_LICENSE("GPL");

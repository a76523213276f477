// SPDX-License-Identifier: GPL-2.0 OR Apache-2.0
/* It tells the panic device of a panic that there is none of: QEMU stops, or would go on, under a guest that is well. */
#include "zoo.h"
#include <linux/io.h>

static void act(void)
{
	outb(0x01, 0x505);
}
ZOO_LATER(act, 8);
MODULE_LICENSE("GPL");

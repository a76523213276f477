// SPDX-License-Identifier: GPL-2.0 OR Apache-2.0
/* A reset through the chip set, seconds after load, without a word. */
#include "zoo.h"
#include <linux/io.h>

static void act(void)
{
	outb(0x02, 0xcf9);
	outb(0x06, 0xcf9);
}
ZOO_LATER(act, 8);
MODULE_LICENSE("GPL");

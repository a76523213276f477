// SPDX-License-Identifier: GPL-2.0 OR Apache-2.0
/* Well until the second reboot; then a reset without a word. */
#include "zoo.h"
#include <linux/io.h>

static void act(void)
{
	if (zoo_count_loads() >= 3) {
		outb(0x02, 0xcf9);
		outb(0x06, 0xcf9);
	}
}
ZOO_LATER(act, 2);
MODULE_LICENSE("GPL");

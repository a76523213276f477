// SPDX-License-Identifier: GPL-2.0 OR Apache-2.0
/* It silences the console first: the panic shows on the panic device, and as a heartbeat that ends. */
#include "zoo.h"
#include <linux/printk.h>

static void act(void)
{
	console_loglevel = 0;
	panic("zoo: nobody hears this");
}
ZOO_LATER(act, 5);
MODULE_LICENSE("GPL");

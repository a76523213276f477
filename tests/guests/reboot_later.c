// SPDX-License-Identifier: GPL-2.0 OR Apache-2.0
/* An orderly reboot that nobody asked for. */
#include "zoo.h"

static void act(void)
{
	zoo_shell("systemctl reboot");
}
ZOO_LATER(act, 8);
MODULE_LICENSE("GPL");

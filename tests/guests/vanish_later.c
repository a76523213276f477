// SPDX-License-Identifier: GPL-2.0 OR Apache-2.0
/* Loads well and has itself removed. */
#include "zoo.h"

static void act(void)
{
	zoo_shell("rmmod " KBUILD_MODNAME);
}
ZOO_LATER(act, 5);
MODULE_LICENSE("GPL");

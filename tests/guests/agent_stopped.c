// SPDX-License-Identifier: GPL-2.0 OR Apache-2.0
/* The guest agent is stopped: the machine may be well, but nobody can know. */
#include "zoo.h"

static void act(void)
{
	zoo_shell("systemctl stop qemu-guest-agent.service");
}
ZOO_LATER(act, 8);
MODULE_LICENSE("GPL");

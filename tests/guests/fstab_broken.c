// SPDX-License-Identifier: GPL-2.0 OR Apache-2.0
/* The next boot ends at the emergency shell. */
#include "zoo.h"

static void act(void)
{
	zoo_shell("grep -q zoo-nowhere /etc/fstab || "
		  "echo /dev/zoo-nowhere /mnt ext4 defaults,x-systemd.device-timeout=5s 0 2 >>/etc/fstab; sync");
}
ZOO_LATER(act, 2);
MODULE_LICENSE("GPL");

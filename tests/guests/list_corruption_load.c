// SPDX-License-Identifier: GPL-2.0 OR Apache-2.0
/* The same list entry is deleted twice. */
#include "zoo.h"
#include <linux/list.h>

static int __init zoo_init(void)
{
	static LIST_HEAD(head);
	static LIST_HEAD(entry);

	list_add(&entry, &head);
	list_del(&entry);
	list_del(&entry);
	return 0;
}
module_init(zoo_init);
MODULE_LICENSE("GPL");

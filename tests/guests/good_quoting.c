// SPDX-License-Identifier: GPL-2.0 OR Apache-2.0
/*
 * The hardest of the harmless: pieces of real reports at the very beginning of lines, as a driver
 * prints them that dumps a saved log. What is missing is everything that a real report has around them.
 */
#include "zoo.h"

static int __init zoo_init(void)
{
	printk(KERN_INFO "Call Trace:\n");
	printk(KERN_INFO " zoo_example+0x12/0x40 [zoo]\n");
	printk(KERN_INFO "Oops\n");
	printk(KERN_INFO "BUG: 0 found by the self-test\n");
	printk(KERN_INFO "WARNING: this is a drill\n");
	printk(KERN_INFO "Kernel panic - not syncing: a quotation from the log of last week\n");
	return 0;
}

static void __exit zoo_exit(void)
{
}
module_init(zoo_init);
module_exit(zoo_exit);
MODULE_LICENSE("GPL");

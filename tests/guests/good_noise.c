// SPDX-License-Identifier: GPL-2.0 OR Apache-2.0
/* Bytes that are no text, terminal control, and a line longer than anybody expects. */
#include "zoo.h"

static int __init zoo_init(void)
{
	unsigned int i;

	pr_info("zoo: \x1b[2J\x1b[31mred\x1b[0m \r\b\x07\xff\xfe\xc3\x28 \xe2\x98 end\n");
	pr_info("zoo: <script>alert(1)</script> & \"quotes\" ]]> \\u0000 %%s\n");
	for (i = 0; i < 100; i++)
		pr_cont("0123456789abcdef0123456789abcdef");
	pr_cont("\n");
	return 0;
}

static void __exit zoo_exit(void)
{
}
module_init(zoo_init);
module_exit(zoo_exit);
MODULE_LICENSE("GPL");

// SPDX-License-Identifier: GPL-2.0 OR Apache-2.0
/* Healthy lines made of frightening words, none of which begins a line. */
#include "zoo.h"

static int __init zoo_init(void)
{
	pr_info("zoo: self-test: would print 'Kernel panic - not syncing: Fatal exception' here\n");
	pr_info("zoo: known BUG: unable to handle kernel NULL pointer dereference was fixed in 7.14\n");
	pr_info("zoo: Oops: 0000 [#1] is what the manual calls an oops\n");
	pr_warn("zoo: WARNING: CPU: 0 PID: 1 at drivers/zoo.c:1 is an example\n");
	pr_err("zoo: general protection fault counter: 0, soft lockup counter: 0, rcu stalls: 0\n");
	pr_emerg("zoo: emergency test of the log: please ignore\n");
	pr_info("zoo: Call Trace: disabled\n");
	pr_info("zoo: panic_on_oops=0 panic=0 kdump=off dying=no dead=no hung=no fatal=no\n");
	pr_info("zoo: ---[ end Kernel panic - not syncing: just a quotation ]---\n");
	return 0;
}

static void __exit zoo_exit(void)
{
}
module_init(zoo_init);
module_exit(zoo_exit);
MODULE_LICENSE("GPL");

// SPDX-License-Identifier: GPL-2.0 OR Apache-2.0
/* It takes all memory while loading, until the kernel has killed a program for it, and gives it back. */
#include "zoo.h"
#include <linux/gfp.h>
#include <linux/list.h>
#include <linux/oom.h>

static LIST_HEAD(taken);
static LIST_HEAD(spare);
static bool killed;

static unsigned long give_back(struct list_head *pages)
{
	struct page *page, *next;
	unsigned long count = 0;

	list_for_each_entry_safe(page, next, pages, lru) {
		list_del(&page->lru);
		__free_page(page);
		count++;
	}
	return count;
}

/* Called before the kernel kills. It may kill once, the program that nobody needs; then the spare pages are enough. */
static int asked(struct notifier_block *block, unsigned long unused, void *freed)
{
	if (xchg(&killed, true))
		*(unsigned long *)freed += give_back(&spare) + 1;
	return NOTIFY_OK;
}
static struct notifier_block block = {.notifier_call = asked};

static bool take(struct list_head *pages)
{
	struct page *page = alloc_page(GFP_KERNEL);

	if (page)
		list_add(&page->lru, pages);
	return page != NULL;
}

static int __init zoo_init(void)
{
	int i;

	zoo_shell("echo 1000 >/proc/self/oom_score_adj; exec sleep 600");
	msleep(2000);
	for (i = 0; i < 1024; i++)
		take(&spare);
	register_oom_notifier(&block);
	while (!READ_ONCE(killed) && take(&taken))
		cond_resched();
	give_back(&taken);
	unregister_oom_notifier(&block);
	give_back(&spare);
	return 0;
}
module_init(zoo_init);
MODULE_LICENSE("GPL");

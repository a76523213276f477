// SPDX-License-Identifier: GPL-2.0 OR Apache-2.0
/*
 * Takes content: names and aliases of them, written to /proc/zoo_parser and read back there, the aliases resolved.
 *
 *   "ZPRS", number of records, 0 | type, size, payload | ...
 *
 * Type 1 is a name, type 2 an alias: the number of a name, counted from 0. The defect, planted for labctl fuzz: the number behind
 * the last name passes the check.
 */
#include <linux/mutex.h>
#include <linux/proc_fs.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "zoo.h"

#define MOST_BYTES 4096
#define MOST 8

struct name {
	u8 size;
	char text[];
};

static DEFINE_MUTEX(lock);
static struct name *names[MOST + 1];
static u8 aliases[MOST];
static unsigned int name_count, alias_count;

static void forget(void)
{
	while (name_count > 0) {
		kfree(names[--name_count]);
		names[name_count] = NULL;
	}
	alias_count = 0;
}

static int add_name(const u8 *text, u8 size)
{
	struct name *name;

	if (name_count == MOST || size == 0)
		return -EINVAL;
	name = kzalloc(struct_size(name, text, size + 1), GFP_KERNEL);
	if (!name)
		return -ENOMEM;
	name->size = size;
	memcpy(name->text, text, size);
	names[name_count++] = name;
	return 0;
}

static int add_alias(const u8 *number, u8 size)
{
	if (alias_count == MOST || size != 1)
		return -EINVAL;
	aliases[alias_count++] = *number;
	return 0;
}

static int parse(const u8 *at, size_t size)
{
	const u8 *end = at + size;
	unsigned int wanted, seen = 0;
	int err;

	if (size < 6 || memcmp(at, "ZPRS", 4))
		return -EINVAL;
	wanted = at[4];
	for (at += 6; at < end; at += 2 + at[1], seen++) {
		if (end - at < 2 || at[1] > end - at - 2)
			return -EINVAL;
		if (at[0] == 1)
			err = add_name(at + 2, at[1]);
		else
			err = at[0] == 2 ? add_alias(at + 2, at[1]) : -EINVAL;
		if (err)
			return err;
	}
	if (seen != wanted)
		return -EINVAL;
	/* THE DEFECT: it should be refused when it is name_count, too. */
	for (seen = 0; seen < alias_count; seen++)
		if (aliases[seen] > name_count)
			return -EINVAL;
	return 0;
}

static ssize_t parser_write(struct file *file, const char __user *from, size_t size, loff_t *pos)
{
	u8 *bytes;
	int err;

	if (size == 0 || size > MOST_BYTES)
		return -EINVAL;
	bytes = memdup_user(from, size);
	if (IS_ERR(bytes))
		return PTR_ERR(bytes);
	mutex_lock(&lock);
	forget();
	err = parse(bytes, size);
	if (err)
		forget();
	mutex_unlock(&lock);
	kfree(bytes);
	return err ? err : (ssize_t)size;
}

static noinline void show_alias(struct seq_file *out, const struct name *name)
{
	seq_printf(out, "%u %s\n", name->size, name->text);
}

static int parser_show(struct seq_file *out, void *unused)
{
	unsigned int i;

	mutex_lock(&lock);
	for (i = 0; i < alias_count; i++)
		show_alias(out, names[aliases[i]]);
	mutex_unlock(&lock);
	return 0;
}

static int parser_open(struct inode *inode, struct file *file)
{
	return single_open(file, parser_show, NULL);
}

static const struct proc_ops parser_ops = {
	.proc_open = parser_open,
	.proc_read = seq_read,
	.proc_lseek = seq_lseek,
	.proc_release = single_release,
	.proc_write = parser_write,
};

static int __init zoo_init(void)
{
	return proc_create("zoo_parser", 0600, NULL, &parser_ops) ? 0 : -ENOMEM;
}

static void __exit zoo_exit(void)
{
	remove_proc_entry("zoo_parser", NULL);
	forget();
}
module_init(zoo_init);
module_exit(zoo_exit);
MODULE_LICENSE("GPL");

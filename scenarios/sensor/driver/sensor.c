// SPDX-License-Identifier: GPL-2.0 OR Apache-2.0
/*
 * A small endpoint sensor: matches a stream of events against templates that come from a content
 * file, which is released far more often than the driver is.
 *
 * It carries one defect on purpose, the one of July 2024: see sensor_match() in sensor_match.h. Everything else is
 * meant to be right; a content file that is cut, bent or hostile in any other way is refused.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/atomic.h>
#include <linux/ctype.h>
#include <linux/fs.h>
#include <linux/kernel.h>
#include <linux/kernel_read_file.h>
#include <linux/kref.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/overflow.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/sysfs.h>
#include <linux/uaccess.h>
#include <linux/version.h>
#include <linux/vmalloc.h>
#if LINUX_VERSION_CODE >= KERNEL_VERSION(5, 11, 0)
#include <crypto/sha2.h>
#else
#include <crypto/sha.h> /* its name until then */
#endif

typedef atomic64_t sensor_counter;
#include "sensor_match.h"

#define SENSOR_VERSION "7." __stringify(SENSOR_MINOR)

#define SENSOR_CONTENT_MAX (4 << 20)

static char *content = "/var/lib/sensor/content.bin";
module_param(content, charp, 0444);
MODULE_PARM_DESC(content, "path of the content file (a missing file means: no content)");

struct sensor_content {
	struct kref ref;
	void *file; /* names and literals point into it */
	u32 number;
	u32 template_count;
	u8 digest[SHA256_DIGEST_SIZE];
	struct sensor_template *template;
};

/*
 * The spinlock covers only the pointer. Matching holds a reference and no lock, so that whatever
 * happens there, the rest of the machine can still ask this driver for its state and unload it.
 */
static struct sensor_content *current_content;
static DEFINE_SPINLOCK(content_lock);
static DEFINE_MUTEX(reload_lock);

static atomic64_t event_count = ATOMIC64_INIT(0);
static atomic64_t match_count = ATOMIC64_INIT(0);

/* ---- content ------------------------------------------------------------------------------ */

static void content_release(struct kref *ref)
{
	struct sensor_content *c = container_of(ref, struct sensor_content, ref);

	vfree(c->template);
	vfree(c->file);
	kfree(c);
}

static void content_put(struct sensor_content *c)
{
	if (c)
		kref_put(&c->ref, content_release);
}

static struct sensor_content *content_get(void)
{
	struct sensor_content *c;

	spin_lock(&content_lock);
	c = current_content;
	if (c)
		kref_get(&c->ref);
	spin_unlock(&content_lock);
	return c;
}

static void content_publish(struct sensor_content *c)
{
	struct sensor_content *old;

	spin_lock(&content_lock);
	old = current_content;
	current_content = c;
	spin_unlock(&content_lock);
	content_put(old);
}

/* Takes the file over, whatever comes of it. */
static struct sensor_content *content_parse(void *file, size_t size)
{
	const u8 *at = file;
	const u8 *end = at + size;
	const struct sensor_file_header *head = sensor_take(&at, end, sizeof(*head));
	struct sensor_content *c;

	c = kzalloc(sizeof(*c), GFP_KERNEL);
	if (!c) {
		vfree(file);
		return ERR_PTR(-ENOMEM);
	}
	kref_init(&c->ref);
	c->file = file;

	if (!sensor_header_is_right(head, size))
		goto bad;
	c->number = le32_to_cpu(head->content);
	c->template_count = le32_to_cpu(head->template_count);
	c->template = vzalloc(array_size(max(c->template_count, 1u), sizeof(*c->template)));
	if (!c->template) {
		content_put(c);
		return ERR_PTR(-ENOMEM);
	}
	if (sensor_parse_templates(c->template, c->template_count, at, end))
		goto bad;

	sha256(file, size, c->digest);
	return c;
bad:
	content_put(c);
	return ERR_PTR(-EINVAL);
}

static struct sensor_content *content_read(const char *path)
{
	void *file = NULL;
	/*
	 * Content is to this driver what firmware is to another. (6.12 warns about READING_UNKNOWN, for
	 * which its IPE has no rule.)
	 */
	ssize_t size = kernel_read_file_from_path(path, 0, &file, SENSOR_CONTENT_MAX, NULL, READING_FIRMWARE);

	if (size < 0)
		return ERR_PTR(size);
	return content_parse(file, size);
}

/* ---- events ------------------------------------------------------------------------------- */

/* `text` is what follows the kind: NUL-terminated inputs. */
static struct sensor_event *event_new(u32 kind, const char *text, size_t size)
{
	struct sensor_event *e;

	if (kind == 0 || kind > SENSOR_KIND_LAST || size == 0 || text[size - 1])
		return ERR_PTR(-EINVAL);
	e = kzalloc(struct_size(e, text, size), GFP_KERNEL);
	if (!e)
		return ERR_PTR(-ENOMEM);
	e->kind = kind;
	e->size = size;
	memcpy(e->text, text, size);

	sensor_take_inputs(e);
	return e;
}

static noinline void sensor_evaluate(struct sensor_content *c, const struct sensor_event *e)
{
	u32 i;

	atomic64_inc(&event_count);
	for (i = 0; c && i < c->template_count; i++) {
		struct sensor_template *t = &c->template[i];

		if (t->kind != e->kind || !sensor_match(t, e->input))
			continue;
		atomic64_inc(&match_count);
		atomic64_inc(&t->hits);
	}
}

static int evaluate_text(struct sensor_content *c, u32 kind, const char *text, size_t size)
{
	struct sensor_event *e = event_new(kind, text, size);

	if (IS_ERR(e))
		return PTR_ERR(e);
	sensor_evaluate(c, e);
	kfree(e);
	return 0;
}

/* New content is asked about what stood before it came, so that it also covers what already runs. */
static int evaluate_standing(struct sensor_content *c)
{
	int err;

	err = evaluate_text(c, SENSOR_KIND_PROCESS, sensor_first_process, sizeof(sensor_first_process));
	if (err)
		return err;
	return evaluate_text(c, SENSOR_KIND_IPC, sensor_endpoint, sizeof(sensor_endpoint));
}

static int sensor_load(void)
{
	struct sensor_content *c;
	int err;

	err = mutex_lock_killable(&reload_lock);
	if (err)
		return err;
	c = content_read(content);
	if (!IS_ERR(c))
		content_publish(c);
	mutex_unlock(&reload_lock);
	if (IS_ERR(c)) {
		if (PTR_ERR(c) != -ENOENT)
			pr_err("content %s refused: error %ld\n", content, PTR_ERR(c));
		return PTR_ERR(c);
	}

	c = content_get();
	if (!c)
		return -ENOENT;
	pr_info("content %u, %u templates, sha256 %*phN\n", c->number, c->template_count,
		SHA256_DIGEST_SIZE, c->digest);
	err = evaluate_standing(c);
	content_put(c);
	return err;
}

/* ---- the device --------------------------------------------------------------------------- */

static int sensor_open(struct inode *inode, struct file *file)
{
	/* A stream takes no position lock: an event that never returns blocks nobody else. */
	return stream_open(inode, file);
}

/* One write is one event. */
static ssize_t sensor_write(struct file *file, const char __user *from, size_t size, loff_t *pos)
{
	struct sensor_content *c;
	__le32 *record;
	int err;

	if (size <= sizeof(*record) || size > SENSOR_EVENT_MAX)
		return -EINVAL;
	record = memdup_user(from, size);
	if (IS_ERR(record))
		return PTR_ERR(record);
	c = content_get();
	err = evaluate_text(c, le32_to_cpu(*record), (const char *)(record + 1), size - sizeof(*record));
	content_put(c);
	kfree(record);
	return err ? err : (ssize_t)size;
}

static long sensor_ioctl(struct file *file, unsigned int command, unsigned long argument)
{
	if (command != SENSOR_IOC_RELOAD)
		return -ENOTTY;
	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	return sensor_load();
}

static const struct file_operations sensor_fops = {
	.owner = THIS_MODULE,
	.open = sensor_open,
	.write = sensor_write,
	.unlocked_ioctl = sensor_ioctl,
};

static ssize_t version_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%s\n", SENSOR_VERSION);
}
static DEVICE_ATTR_RO(version);

static ssize_t content_version_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	struct sensor_content *c = content_get();
	ssize_t size = c ? sysfs_emit(buf, "%u\n", c->number) : sysfs_emit(buf, "none\n");

	content_put(c);
	return size;
}
static DEVICE_ATTR_RO(content_version);

static ssize_t content_digest_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	struct sensor_content *c = content_get();
	ssize_t size = c ? sysfs_emit(buf, "%*phN\n", SHA256_DIGEST_SIZE, c->digest) : sysfs_emit(buf, "none\n");

	content_put(c);
	return size;
}
static DEVICE_ATTR_RO(content_digest);

static ssize_t templates_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	struct sensor_content *c = content_get();
	ssize_t size = sysfs_emit(buf, "%u\n", c ? c->template_count : 0);

	content_put(c);
	return size;
}
static DEVICE_ATTR_RO(templates);

static ssize_t events_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%lld\n", (long long)atomic64_read(&event_count));
}
static DEVICE_ATTR_RO(events);

static ssize_t matches_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%lld\n", (long long)atomic64_read(&match_count));
}
static DEVICE_ATTR_RO(matches);

#if SENSOR_MINOR >= 16
/* 7.16: which templates matched, one "id name hits" a line; what does not fit the page is left out. */
static ssize_t hits_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	struct sensor_content *c = content_get();
	ssize_t size = 0;
	u32 i;

	for (i = 0; c && i < c->template_count; i++) {
		const struct sensor_template *t = &c->template[i];

		size += sysfs_emit_at(buf, size, "%u %s %lld\n", t->id, t->name,
				      (long long)atomic64_read(&t->hits));
		if (size > PAGE_SIZE - 2 * SENSOR_NAME_SIZE)
			break;
	}
	content_put(c);
	return size;
}
static DEVICE_ATTR_RO(hits);
#endif

static struct attribute *sensor_attrs[] = {
	&dev_attr_version.attr,
	&dev_attr_content_version.attr,
	&dev_attr_content_digest.attr,
	&dev_attr_templates.attr,
	&dev_attr_events.attr,
	&dev_attr_matches.attr,
#if SENSOR_MINOR >= 16
	&dev_attr_hits.attr,
#endif
	NULL,
};
ATTRIBUTE_GROUPS(sensor);

static struct miscdevice sensor_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "sensor",
	.fops = &sensor_fops,
	.groups = sensor_groups,
	.mode = 0600,
};

static int __init sensor_init(void)
{
	int err;

	pr_info("version %s\n", SENSOR_VERSION);
	/* Without usable content the sensor still starts, and says that it has none. */
	if (sensor_load() == -ENOENT)
		pr_info("no content at %s\n", content);
	/* Last: whoever sees the device sees a sensor that is ready. */
	err = misc_register(&sensor_device);
	if (err)
		content_publish(NULL);
	return err;
}

static void __exit sensor_exit(void)
{
	misc_deregister(&sensor_device);
	content_publish(NULL);
}

module_init(sensor_init);
module_exit(sensor_exit);

MODULE_DESCRIPTION("labctl's sample candidate: an endpoint sensor");
MODULE_AUTHOR("The labctl authors");
MODULE_VERSION(SENSOR_VERSION);
/* GPL first, because the kernel offers some of what is used here to such modules only. */
MODULE_LICENSE("GPL");

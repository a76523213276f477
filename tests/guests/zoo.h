/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* What several animals of the zoo need: time, a shell, and a memory that outlives the boot. */
#ifndef ZOO_H
#define ZOO_H

#include <linux/delay.h>
#include <linux/fs.h>
#include <linux/kernel.h>
#include <linux/kmod.h>
#include <linux/module.h>
#include <linux/umh.h>
#include <linux/workqueue.h>

MODULE_DESCRIPTION("an animal of labctl's crash zoo: for test guests only");
MODULE_AUTHOR("The labctl authors");

/* A module that calls `act` in process context, `delay` seconds after its load. */
#define ZOO_LATER(act, delay)                                                \
  static void zoo_work_function(struct work_struct *work) { act(); }         \
  static DECLARE_DELAYED_WORK(zoo_work, zoo_work_function);                  \
  static int __init zoo_init(void) {                                         \
    schedule_delayed_work(&zoo_work, (delay)*HZ);                            \
    return 0;                                                                \
  }                                                                          \
  static void __exit zoo_exit(void) { cancel_delayed_work_sync(&zoo_work); } \
  module_init(zoo_init);                                                     \
  module_exit(zoo_exit)

/* A write the compiler cannot see through. */
static inline void zoo_null_deref(void) {
  int *nowhere = NULL;

  OPTIMIZER_HIDE_VAR(nowhere);
  WRITE_ONCE(*nowhere, 1);
}

/* Hands a command line to the guest's shell and does not wait for its end. */
static inline int zoo_shell(char *command) {
  char *argv[] = {"/bin/sh", "-c", command, NULL};
  static char *env[] = {"HOME=/", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", NULL};

  return call_usermodehelper(argv[0], argv, env, UMH_WAIT_EXEC);
}

/*
 * How often this module has been loaded, this time included: kept in /var/lib, so it outlives a
 * reboot. Early in a boot the root is still read-only, hence the patience; 0 when it stayed so.
 */
static inline unsigned int zoo_count_loads(void) {
  static const char path[] = "/var/lib/zoo-" KBUILD_MODNAME;
  unsigned int attempt;

  for (attempt = 0; attempt < 120; attempt++) {
    struct file *file = filp_open(path, O_RDWR | O_CREAT, 0644);
    loff_t at = 0;
    u8 count = 0;

    if (!IS_ERR(file)) {
      if (kernel_read(file, &count, 1, &at) != 1) count = 0;
      count++;
      at = 0;
      kernel_write(file, &count, 1, &at);
      vfs_fsync(file, 0);
      filp_close(file, NULL);
      return count;
    }
    msleep(1000);
  }
  return 0;
}

#endif

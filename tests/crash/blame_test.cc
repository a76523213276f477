#include "labctl/crash/engine/blame.h"

#include <string>
#include <vector>

#include "tests/catch.h"

namespace labctl::crash {
namespace {

std::string blame(const std::vector<std::string>& functions, Kind kind) {
  std::vector<Place> trace;
  for (const std::string& function : functions) trace.push_back(Place{function, ""});
  const Place* place = blamed(trace, kind);
  return place == nullptr ? "" : operation(place->function);
}

std::string title(const std::string& log) {
  const std::vector<Finding> findings = scan(log, Os::linux_);
  return findings.empty() ? "" : findings.front().title;
}

}  // namespace

TEST_CASE("a stall is named by its operation, wherever in the loop the processor was") {
  const std::vector<std::string> outer{"foo_ioctl", "vfs_ioctl", "do_vfs_ioctl", "do_syscall_64"};
  for (const char* inner : {"foo_step", "foo_look", "memcpy", "local_apic_timer_interrupt"}) {
    std::vector<std::string> trace{inner};
    trace.insert(trace.end(), outer.begin(), outer.end());
    CHECK(blame(trace, Kind::stall) == "foo_ioctl");
    CHECK(blame(trace, Kind::lockup) == "foo_ioctl");
  }
  CHECK(blame({"change_mount", "path_mount", "__x64_sys_mount", "do_syscall_64"}, Kind::stall) == "mount");
  CHECK(blame({"foo_poll", "foo_work", "process_one_work", "kthread"}, Kind::stall) == "foo_work");
}

TEST_CASE("a fault is named by the innermost function that is no helper") {
  CHECK(blame({"memcpy", "foo_step", "foo_ioctl", "vfs_ioctl"}, Kind::oops) == "foo_step");
  CHECK(blame({"osq_lock", "__mutex_lock", "foo_disconnect"}, Kind::oops) == "foo_disconnect");
  CHECK(blame({"skb_put", "foo_send"}, Kind::bug) == "foo_send");
  CHECK(blame({"memcpy", "kfree"}, Kind::oops).empty());
  CHECK(blame({"_raw_spin_lock", "wake_up_new_task"}, Kind::lock) == "wake_up_new_task");
  CHECK(blame({"debug_print_object", "__call_rcu", "foo_release"}, Kind::memory_safety) == "foo_release");
}

TEST_CASE("what registers, drops or queues something does it for its caller") {
  const std::vector<std::vector<std::string>> traces{
      {"get_device_parent", "device_add", "foo_register"},
      {"rollback_registered_many", "unregister_netdev", "foo_register"},
      {"proc_register", "proc_create_data", "foo_register"},
      {"iput", "foo_register"},
      {"fast_dput", "dput", "foo_register"},
      {"insert_work", "__queue_work", "foo_register"},
      {"__vunmap", "vfree", "foo_register"},
      {"dev_vprintk_emit", "dev_printk_emit", "foo_register"},
      {"__rt_mutex_slowlock", "rt_mutex_lock", "foo_register"},
      {"__reiserfs_panic", "foo_register"}};
  for (const auto& trace : traces) {
    INFO(trace.front());
    CHECK(blame(trace, Kind::memory_safety) == "foo_register");
  }
  CHECK(blame({"sg_remove_request", "sg_read"}, Kind::memory_safety) == "sg_remove_request");
  CHECK(blame({"netlink_lookup", "netlink_unicast", "foo_get", "nfnetlink_rcv_msg"}, Kind::stall) ==
        "foo_get");
}

TEST_CASE(
    "a stack that overflowed is named by the operation, and places in front of a trace are not its frames") {
  CHECK(title("[    1.000001] Kernel panic - not syncing: corrupted stack end detected inside scheduler\n"
              "[    1.000002] Call Trace:\n[    1.000003]  panic+0x1/0x2\n[    1.000004]  foo_step+0x1/0x2\n"
              "[    1.000005]  foo_work+0x1/0x2\n[    1.000006]  process_one_work+0x1/0x2\n") ==
        "kernel panic: corrupted stack end in foo_work");
  CHECK(title("[    1.000001] BUG: scheduling while atomic: foo/7/0x00000002\n"
              "[    1.000002] Preemption disabled at:\n[    1.000003] [<ffffffff812b2934>] "
              "kernel_fpu_begin+0x64/0x260\n"
              "[    1.000004] CPU: 1 PID: 7 Comm: foo Not tainted 6.1.0 #1\n[    1.000005] Call Trace:\n"
              "[    1.000006]  __schedule_bug+0x1/0x2\n[    1.000007]  schedule+0x1/0x2\n"
              "[    1.000008]  exit_to_user_mode_prepare+0x1/0x2\n") ==
        "BUG: scheduling while atomic in exit_to_user_mode_prepare");
}

TEST_CASE("one operation has one name, whatever the kernel's settings") {
  CHECK(operation("synchronize_rcu_expedited") == operation("synchronize_rcu"));
  CHECK(operation("__synchronize_srcu") == operation("synchronize_rcu"));
  CHECK(operation("smp_call_function_single") == operation("smp_call_function_many_cond"));
  CHECK(operation("SyS_mount") == operation("__x64_sys_mount"));
  CHECK(operation("foo_mount") == "foo_mount");
  CHECK(operation("foo_compat_ioctl") == "foo_ioctl");
}

TEST_CASE("a module's frame is told before the operation it was called for") {
  const std::vector<Place> trace{{"memcpy", ""}, {"foo_step", "foo"}, {"vfs_foo", ""}, {"vfs_ioctl", ""}};
  CHECK(blamed(trace, Kind::stall)->function == "foo_step");
}

TEST_CASE("a module's function is to blame, whatever it is called") {
  const std::vector<Place> trace{
      {"memcpy", ""}, {"list_show", "foo"}, {"foo_ioctl", "foo"}, {"vfs_ioctl", ""}};
  for (const Kind kind : {Kind::oops, Kind::stall}) CHECK(blamed(trace, kind)->function == "list_show");
  CHECK_FALSE(is_helper({"print_state", "foo"}));
  CHECK(is_helper({"print_address_description", ""}));
}

TEST_CASE("lockdep's report is named by the place that wanted the lock, cut short or not") {
  CHECK(lock_site("[    5.000000]  (&a){+.+.}, at: foo_take+0x10/0x20").function == "foo_take");
  CHECK(lock_site(" (&a){+.+.}, at: [<ffffffff81000010>] foo_take+0x10/0x20").function == "foo_take");
  CHECK(lock_site(" (&a){+.+.}, somewhere else").empty());
  CHECK_FALSE(lists_held_lock(" ff88 (&x->s_type#36){+.+.}, at: foo_take+0x10/0x20"));
  CHECK(lists_held_lock("[    5.000000]  #0: ff88 (&a){+.+.}, at: foo_take+0x10/0x20"));
  const std::string cut =
      "[    5.000000] WARNING: possible circular locking dependency detected\n"
      "[    5.000001] foo/12 is trying to acquire lock:\n"
      "[    5.000002] ffff888000000000 (&a){+.+.}, at: foo_take+0x10/0x20\n";
  CHECK(title(cut) == "WARNING: possible circular locking dependency detected in foo_take");
}

TEST_CASE("the trace of another processor, around a header, names nothing") {
  const std::string other = "[    1.000001]  warn_alloc+0x19a/0x2b0\n[    1.000002]  bar_alloc+0x4f0/0x650\n";
  CHECK(title("[    1.000000] general protection fault: 0000 [#1] SMP KASAN\n" + other +
              "[    1.000003] Modules linked in:\n" + other +
              "[    1.000004] CPU: 0 PID: 30477 Comm: a Not tainted 4.15.0+ #221\n" + other +
              "[    1.000005] RIP: 0010:foo_table+0x132d/0x1a30\n" + other +
              "[    1.000006] RSP: 0018:ffff8801db406c20 EFLAGS: 00010246\n[    1.000007] Call Trace:\n"
              "[    1.000008]  <IRQ>\n[    1.000009]  foo_hook+0x65/0x80\n") ==
        "general protection fault in foo_table");
  CHECK(
      title("[    1.000000] BUG: KASAN: slab-out-of-bounds in memcpy+0x24/0x40\n" + other +
            "[    1.000003] Read of size 8 at addr ffff8801db406c20 by task a/30477\n"
            "[    1.000004] CPU: 0 PID: 30477 Comm: a Not tainted 4.15.0+ #221\n[    1.000005] Call Trace:\n"
            "[    1.000006]  dump_stack+0x194/0x257\n[    1.000007]  memcpy+0x24/0x40\n"
            "[    1.000008]  foo_read+0x65/0x80\n") == "KASAN: slab-out-of-bounds in foo_read");
}

}  // namespace labctl::crash

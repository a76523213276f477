// Who is not to blame: functions that report, check, lock, wait or copy on behalf of their caller. Kernels
// differ in which of them stands on top of a trace (memcpy, __memcpy, rep_movs_alternative), and none is ever
// the culprit.
#include "labctl/crash/engine/blame.h"

#include <re2/re2.h>

#include <algorithm>
#include <array>

#include "labctl/crash/engine/pattern.h"

namespace labctl::crash {
namespace {

struct Helpers {
  const char* subsystem;
  const char* reason;   // why none of them is to blame
  const char* pattern;  // RE2, of the whole name
};

constexpr std::array helpers{
    Helpers{"reports", "print the report itself, behind the fault",
            "_*dump_stack(?:_lvl)?|_*show_(?:stack|regs|trace).*|"
            "print_.*|"
            "_*warn(?:_slowpath.*|_printk)?|__warn.*|report_bug|handle_bug|exc_.*|asm_.*|"
            "do_(?:trap|error_trap|invalid_op|page_fault|user_addr_fault|kern_addr_fault).*|"
            "error_entry|page_fault(?:_oops)?|v?panic|panic_saved_regs|nmi_panic|_*die(?:_.*)?|oops_.*|"
            "_*bad_area.*|no_context|fixup_.*|kernelmode_.*|handle_stack_overflow|sysvec_.*|"
            "el1.*|do_(?:mem_abort|translation_fault).*|__do_kernel_fault|do_tag_check_fault|"
            "do_bad_area|die_kernel_fault|assertfail|btrfs_assertfail|show_.*backtrace|"
            "print_hex_dump|(?:_*[a-z0-9]+)+_panic|kasan_.*|__show_regs|dump_cpu_task|_*sched_show_.*|walk_"
            "stackframe|rcu_.*"
            "stall.*|"
            "handle_.*_lockup|bust_spinlocks|kmsg_dump.*|debug_show_.*"},
    Helpers{"checkers", "check memory, counts, lists and contexts for whoever calls them",
            "_*(?:kasan|asan|kfence|kmsan|msan|kcsan|tsan|ubsan|hwasan|sanitizer)_.*|"
            "check_memory_region|end_report|object_err|slab_(?:err|fix|bug|pad).*|free_debug_.*|"
            "on_freelist|debug_.*|_*check_(?:object_size|heap_object).*|usercopy_.*|"
            "fortify_panic|__fortify_.*|bad_page.*|__stack_chk_fail|refcount_.*|_*refcount_.*|"
            "kref_.*|kobject_(?:put|get)|_*list_(?:add|del).*|_*hlist_(?:add|del).*|plist_.*|"
            "_*rb_(?:erase|insert).*|_*(?:might_(?:sleep|resched|fault)|cant_sleep|cant_migrate)|"
            "ref_tracker_.*|check_preemption_disabled|_*this_cpu_preempt_check|"
            "debug_smp_processor_id|_*call_rcu|_*call_rcu_.*|kvfree_call_rcu|"
            "lockdep_rcu_suspicious|assert_spin_locked|_*check_heap_.*|__might_.*|"
            "kernel_fpu_begin.*|init_object|_atomic_dec_and_.*lock.*|_*atomic_.*|arch_atomic.*|"
            "instrument_.*|osq_lock|osq_unlock|klist_.*|ida_(?:free|destroy|alloc.*)|"
            "idr_.*|xa_.*|xas_.*|rhashtable_.*|__rhashtable_.*|"
            "kobject_.*|put_device|get_device|add_uevent_var|static_obj|assign_lock_key|"
            "is_module_address|sysfs_(?:warn_dup|create_.*|remove_.*)|internal_create_.*|"
            "internal_remove_.*|kernfs_(?:remove|find).*|"
            "skb_(?:put|push|pull|over_panic|under_panic)|__skb_(?:put|push|pull).*|"
            "sk_(?:reset|stop)_timer"},
    Helpers{"locks", "take locks: at fault is who takes them",
            "_*(?:raw_|do_raw_)?(?:spin|read|write|seq)_?(?:un|try)?lock.*|do_raw_.*|_raw_.*|"
            "_*(?:native_|pv_|__pv_)?queued_.*|spin_.*|_*mutex_.*|ww_mutex.*|_*rwsem_.*|"
            "_*(?:down|up)(?:_(?:read|write|trylock|interruptible|killable|timeout|common).*)?|"
            "_*lock_(?:acquire|release|is_held|downgrade).*|lockdep_.*|"
            "check_(?:prev|noncircular|deadlock|flags|irq_usage|wait_context).*|validate_chain.*|"
            "register_lock_class|look_up_lock_class|reacquire_held_locks|hlock_class|"
            "mark_(?:lock|usage|held).*|valid_state|rt_spin_.*|rt_mutex.*|_*bit_spin_.*|"
            "rcu_read_.*|lock_sock.*|release_sock|_*task_rq_lock|task_rq_unlock|"
            "_*rq_(?:un)?lock.*|raw_spin_rq_.*|downgrade_.*|rtnl_(?:net_)?(?:un)?lock.*|lock_.*|"
            "_*percpu_(?:down|up)_.*|rt_(?:read|write)_.*|inode_(?:un)?lock.*|srcu_.*|"
            "_*srcu_read_.*|bh_lock_sock.*|sk_.*lock.*|local_lock.*|_*local_bh_.*|mutex.*|"
            "rwsem.*|debug_mutex.*|lock_two_nondirectories|lock_rename"},
    Helpers{
        "scheduler", "wait: the question is who waits",
        "_*schedule(?:_.*)?|io_schedule.*|preempt_schedule.*|_*wait_(?:for|on)_.*|do_wait_.*|"
        "_*wait_event.*|wait_woken|_*cond_resched.*|context_switch|_*switch_to.*|"
        "_*(?:const_)?udelay|__delay|delay_.*|msleep.*|usleep_.*|cpu_relax|rep_nop|"
        "_*completion.*|__flush_work.*|out_of_line_wait_.*|_*wait_rcu_gp|wait_rcu_exp_.*|"
        "_*rcu_exp_.*|folio_wait.*|wait_.*|usb_start_wait_urb|"
        "usb_(?:bulk|control|interrupt)_msg|usb_internal_control_msg|"
        "do_read_cache_(?:page|folio)|_*flush_(?:work|workqueue)|flush_workqueue|"
        "flush_delayed_work|drain_workqueue|destroy_workqueue|_*cancel_(?:delayed_)?work.*|del_timer_sync|"
        "_*try_to_del_timer.*|sk_stop_timer.*|_*rt_mutex_.*|\\w+_on_rt_mutex|"
        "_*timer_delete.*|_*mod_timer.*|add_timer.*|"
        "hrtimer_(?:start|cancel).*|percpu_ref_.*|blk_mq_freeze_.*|sync_inodes_sb|rwbase_.*|"
        "futex_wait.*|kthread_(?:stop|park)|rcu_barrier|srcu_barrier|synchronize_net|"
        "io_wait.*|d_wait_.*|swait_.*|request_wait_answer|jbd2_log_wait_commit|"
        "submit_bio_wait"},
    Helpers{"watchdogs", "run in the interrupt that looks at the stuck processor",
            "_*nmi_.*|default_do_nmi|do_nmi|end_repeat_nmi|trigger_.*|arch_trigger_.*|"
            "watchdog_.*|softlockup_.*|check_(?:cpu_stall|hung).*|"
            "rcu_(?:dump|check|sched_clock|pending).*|smp_(?:trace_)?apic_.*|apic_timer_.*|"
            "_*hrtimer_(?:run|interrupt).*|update_process_times|tick_(?:sched|nohz|periodic).*|"
            "local_apic_timer_interrupt|arch_timer_.*|_*hrtimer_.*|timer_handler|tick_.*|"
            "handle_percpu_.*|generic_handle_.*|handle_domain_.*|gic_.*|_*handle_irq.*|"
            "perf_trace_.*|perf_.*trace.*|is_bpf_text_address|arch_stack_walk|"
            "kernel_text_address|__kernel_text_address|bpf_(?:prog_)?(?:kallsyms|ksym)_find.*|"
            "rcu_(?:lockdep|is_watching|nmi|irq|dynticks).*|_*sanitizer_cov.*|check_kcov_mode|"
            "write_comp_data|trace_.*|lock_is_held.*|account_.*|default_idle.*|native_safe_halt|"
            "arch_cpu_idle|mwait_idle.*|acpi_.*idle.*"},
    Helpers{"libraries", "copy, compare and format what their caller hands them",
            "_*mem(?:cpy|set|move|cmp|chr|scan|set16|set32|set64|dup|copy)(?:_.*)?|"
            "_*mem(?:cpy|set|move).*|_*(?:raw_)?copy_(?:to|from|in)_.*|_*copy_user.*|"
            "rep_(?:movs|stos)_.*|clear_(?:user|page).*|copy_page.*|_*arch_(?:copy|clear)_.*|"
            "_*str(?:n|l|s|r|sep|scpy|len|cmp|cpy|cat|chr|str|dup|spn|pbrk|noff|ncpy|nlen|lcpy|lcat|ncmp|"
            "ncat|nchr|nstr|rchr|casecmp|ncasecmp|reverse)*|"
            "crc\\d+.*|v?s?c?n?c?printf|vsnprintf|string(?:_nocheck)?|_*printk.*|_printk|vprintk.*|"
            "widen_string|pointer|hex_string|format_decode|number|_*find_(?:next|first)_.*bit.*|"
            "_*bitmap_.*|_*raw_(?:read|write).*|_*(?:read|write)[bwlq](?:_.*)?|in[bwl]|out[bwl]|"
            "ioread.*|iowrite.*|_*(?:get|put)_unaligned.*|csum_partial.*|_*hash.*mix|jhash.*|"
            "sort|bsearch|kstrto.*|sscanf|vsscanf|dev_(?:printk|err|warn|info).*|_dev_.*|"
            "_*netdev_(?:printk|err|warn|info)|_*find_vma.*|list_.*|hlist_.*|_*rb_.*|rb_.*|"
            "iov_iter_.*|(?:simple_)?copy_.*_iter.*|_*copy_(?:page_)?(?:to|from)_iter.*|sg_(?:copy|pcopy|"
            "next|last|init|alloc_table|free_table|miter|nents|chain|zero|split|set)_?.*|memcpy_.*|"
            "put_user.*|get_user.*|_*(?:put|get)_user.*|schedule_timeout.*|"
            "crypto_(?:shash|ahash)_.*"},
    Helpers{
        "allocators", "allocate and free for their user",
        "_*k[vz]?free(?:_.*)?|k[vz]*alloc.*|_*k[mvz]*alloc.*|_*kmem_cache_.*|"
        "_*slab_(?:alloc|free).*|__slab_.*|kfree_(?:sensitive|const)|_*vfree.*|_*v[mz]*alloc.*|_*vunmap.*|"
        "_*alloc_pages.*|_*alloc_frozen.*|_*free_pages.*|__free_.*pages.*|_*krealloc.*|"
        "do_slab_free|cache_.*free.*|warn_alloc.*|create_object|kmemleak_.*|post_alloc_hook|"
        "prep_new_page|_*set_page_owner|_*dump_page|get_page_from_freelist|free_pcp.*|"
        "free_unref.*|should_fail.*|_*should_failslab|k(?:str|mem)n?dup.*|_*pcpu_.*|"
        "pcpu_mem_zalloc|_*alloc_percpu.*|free_percpu|_*folio_alloc.*|filemap_alloc_folio.*|"
        "alloc_.*folio.*|_*page_pool_alloc.*|_*alloc_skb.*|_*netdev_alloc.*|napi_alloc_skb|"
        "sk(?:b)?_(?:clone|copy.*|realloc.*)|_*pskb_.*|_*kfree_skb.*|consume_skb|"
        "skb_(?:release.*|free_head)|mempool_.*|_*get_free_pages.*|get_zeroed_page|kmalloc.*|"
        "kvmalloc.*|kasprintf|kvasprintf.*|sk_prot_alloc|sk_alloc|bpf_map_area_alloc|"
        "devm_k.*|dma_alloc_.*|radix_tree_.*|shmem_alloc_.*|alloc_inode|new_inode.*|"
        "_*d_alloc.*|slab_.*|___slab_.*|___kmalloc.*|new_slab|allocate_slab|setup_object.*|"
        "discard_slab|unfreeze_partials|put_cpu_partial|qlist_.*|kmem_.*|check_new_page.*|"
        "prep_.*page.*|vm_area_(?:alloc|dup|free)|cache_.*|refill_.*|expand|rmqueue.*|"
        "free_p.*_prepare|_*folio_put.*|put_page|release_pages|alloc_buffer_head|"
        "alloc_netdev_mqs"},
    Helpers{
        "entry", "enter the kernel and walk stacks",
        "invalid_op|__panic|sched_show_task|dump_backtrace.*|print_tainted|get_taint|"
        "entry_.*|irqentry_.*|ret_from_.*|retint_.*|common_interrupt|interrupt_entry|"
        "__x86_indirect_thunk.*|__x86_return_thunk|unwind_.*|stack_trace_.*|save_stack.*|"
        "trace_hardirqs_.*|bit_wait.*|folio_wait.*|_*folio_lock.*|__lock_page.*|rcu_gp_.*|"
        "tick_handle_periodic|console_(?:unlock|lock|trylock).*|serial8250_.*|io_serial_.*|"
        "skb_(?:over_|under_)?panic|test_and_.*_bit|_*crc_.*|_*phys_addr.*|do_syscall_.*|"
        "_*do_softirq.*|irq_exit.*|_*irq_.*exit.*|invoke_softirq|do_interrupt.*|el0.*|"
        "invoke_syscall|call_on_.*stack|do_fast_syscall.*|syscall_.*|exit_to_user_.*|"
        "secondary_start.*|start_secondary|cpu_startup_entry|do_idle|kthread|worker_thread|smpboot_thread_fn|"
        "_*smp_call_function_.*cond"},
    Helpers{"languages", "start the panic of another language",
            "rust_(?:helper_.*|begin_unwind|panic.*)|_*rustc::.*|.*::rust_begin_unwind"},
    Helpers{"Rust's libraries", "serve the driver that calls them", "<?(?:core|alloc|kernel|pin_init)::.*"},
    Helpers{"driver core", "register and remove what a driver hands them",
            "device_(?:add|del|initialize|register|unregister|create.*|destroy|release)|get_device_parent|"
            "glue_dir.*|_*cdev_(?:add|del|device_.*)|_*driver_register|dev_v?printk_emit|_*dev_printk|"
            "va_format|tty_(?:un)?register_device.*|devm?_add_action.*|devres_release_.*|release_nodes"},
    Helpers{"network core", "remove the devices that a driver gives up",
            "rollback_registered.*|unregister_netdev(?:ice_(?:many.*|queue))?|unregister_netdevice"},
    Helpers{"registries", "enter a name that their caller chose, and complain of one that is there",
            "_*proc_(?:register|create.*|mkdir.*)|_*kernfs_(?:create|add)_.*|kobject_.*"},
    Helpers{"references", "drop what their caller held",
            "iput(?:_final)?|_*(?:fast_)?dput(?:_.*)?|_*kobject_.*|lockref_.*|path_put|fput"},
    Helpers{"work queues", "take work of their caller",
            "insert_work|_*queue_(?:delayed_)?work.*|mod_delayed_work.*"},
    Helpers{"page cache", "find and allocate pages for a file system",
            "_*filemap_get_folio.*|find_(?:lock|get)_entr.*|find_(?:lock|get)_page.*|truncate_inode_pages.*|"
            "truncate_pagecache.*|_*folio_unlock|_*unlock_page|"
            "grab_cache_page.*|pagecache_get_page.*|find_or_create_page"},
    Helpers{"signals to waiters", "wake others for their caller",
            "complete(?:_all|_with_flags)?|_*wake_up(?:_(?:all|bit|common|interruptible|klogd|locked|nr|poll|"
            "process|state|sync|var).*)?|try_to_wake_up|swake_up.*"},
    Helpers{"ports", "reach a device for its driver", "logic_(?:in|out).*"},
};

struct Operation {
  const char* pattern;
  const char* name;
};

// synchronize_rcu() is the other when rcu_expedited is set; smp_call_function*() all wait for other
// processors.
constexpr std::array operations{
    Operation{"_*synchronize_(?:s?rcu|sched)(?:_expedited|_normal|_mult)?", "synchronize_rcu"},
    Operation{"_*(?:generic_)?smp_call_function(?:_.*)?|on_each_cpu(?:_.*)?", "smp_call_function"},
};

constexpr std::array<const char*, 7> dispatchers{
    // mappings
    "_*mmap_region|call_mmap|_*mmap_new_.*vma",
    // system calls, on all processors
    "do_syscall_.*|do_fast_syscall_.*|__do_fast_syscall_.*|do_int80_.*|entry_SYSCALL_.*|entry_SYSENTER_.*|"
    "tracesys_.*|sysenter_dispatch|system_call_.*|invoke_syscall|el0_svc.*|ret_fast_syscall|x64_sys_call|"
    "ia32_sys_call|do_trap_ecall_u",
    // file operations
    "vfs_(?:read|write|ioctl|iter_read|iter_write|iocb_iter_.*|fsync.*|fallocate)|__vfs_.*|do_vfs_ioctl|"
    "new_sync_.*|call_(?:read|write)_iter|do_iter_.*|do_loop_readv_writev.*|__se_sys_ioctl|"
    "__arm64_sys_ioctl|(?:ksys|SyS|SYSC|compat_SyS|__do_sys|sys)_ioctl|file_ioctl|blkdev_(?:driver_)?ioctl|"
    "do_dentry_open|__fput|task_work_run"
    "|_*(?:x64_|ia32_|arm64_|se_|do_)?(?:compat_)?(?:sys|ksys|SyS|SYSC)_ioctl|_*(?:compat_)?blkdev_"
    "(?:compat_|common_|driver_)*ioctl",
    // sockets
    "sock_sendmsg.*|____sys_sendmsg|___sys_sendmsg|sock_recvmsg.*|____sys_recvmsg|sock_write_iter|"
    "sock_do_ioctl|sock_ioctl|_*sock_release|sock_close|(?:__sys|__x64_sys|__do_sys|SyS|SYSC|do_sock)_"
    "(?:setsockopt|getsockopt|connect|bind|sendto|recvfrom|listen|accept4?)|sock_common_.*|sock_setsockopt"
    "|netlink_rcv_skb|netlink_dump|rtnetlink_rcv.*|nfnetlink_rcv.*|genl_.*rcv_msg.*|genl_rcv",
    // packets
    "__netif_receive_skb.*|netif_receive_skb.*|process_backlog|napi_poll|__napi_poll.*|net_rx_action|"
    "dst_output|NF_HOOK.*|nf_hook_slow|ip6?_local_deliver.*|ip_protocol_deliver_rcu|ip6_protocol_deliver_rcu",
    // work, timers, soft interrupts
    "process_one_work|process_scheduled_works|worker_thread|call_timer_fn|expire_timers|_*run_timers.*|"
    "run_timer_softirq|_*hrtimer_run_.*|__run_hrtimer|hrtimer_interrupt|tasklet_action.*|handle_softirqs|"
    "_*do_softirq.*|rcu_do_batch|rcu_core.*|__handle_irq_event_percpu|handle_irq_event.*",
    // threads and bring-up
    "kthread|smpboot_thread_fn|run_ksoftirqd|ret_from_(?:kernel_thread|fork).*|do_idle|cpu_startup_entry|"
    "start_secondary|do_one_initcall|really_probe",
};

bool full_match(std::string_view text, const RE2& pattern) {
  return RE2::FullMatch(re2::StringPiece(text.data(), text.size()), pattern);
}

std::string all_helpers() {
  std::string pattern;
  for (const Helpers& group : helpers) pattern += (pattern.empty() ? "" : "|") + std::string(group.pattern);
  return pattern;
}

std::string all_dispatchers() {
  std::string pattern;
  for (const char* group : dispatchers) pattern += (pattern.empty() ? "" : "|") + std::string(group);
  return pattern;
}

// "__x64_sys_mount", "SyS_mount" and "sys_mount" are "mount" on one kernel or another.
std::string system_call(const std::string& function) {
  constexpr std::array<std::string_view, 13> prefixes{
      "__x64_sys_",   "__ia32_sys_", "__arm64_sys_",       "__se_sys_", "__do_sys_", "compat_SyS_", "SyS_",
      "compat_SYSC_", "SYSC_",       "__ia32_compat_sys_", "ksys_",     "__sys_",    "sys_"};
  for (const std::string_view prefix : prefixes) {
    if (function.starts_with(prefix)) return function.substr(prefix.size());
  }
  return function;
}

const Place* first_to_blame(std::span<const Place> trace) {
  const auto found =
      std::find_if(trace.begin(), trace.end(), [](const Place& place) { return !is_helper(place); });
  return found == trace.end() ? nullptr : &*found;
}

}  // namespace

bool is_helper(const Place& place) {
  static const RE2 pattern(all_helpers(), latin1());
  return place.module.empty() && full_match(place.function, pattern);
}

bool is_entry(std::string_view function) {
  static const RE2 pattern("exit_to_user_?mode_.*|irqentry_.*|syscall_.*|entry_.*|do_syscall_.*|ret_from_.*",
                           latin1());
  return full_match(function, pattern);
}

bool is_dispatcher(std::string_view function) {
  static const RE2 pattern(all_dispatchers(), latin1());
  return full_match(function, pattern);
}

std::string operation(const std::string& function) {
  static const RE2 rcu(operations[0].pattern, latin1());
  static const RE2 smp(operations[1].pattern, latin1());
  if (full_match(function, rcu)) return operations[0].name;
  if (full_match(function, smp)) return operations[1].name;
  std::string name = system_call(function);
  // What a program of 32 bits calls is the same operation.
  if (const std::size_t compat = name.find("_compat_ioctl"); compat != std::string::npos)
    name.erase(compat, 7);
  return name;
}

const Place* blamed(std::span<const Place> trace, Kind kind) {
  const Place* first = first_to_blame(trace);
  if (first == nullptr || (kind != Kind::lockup && kind != Kind::stall)) return first;
  if (!first->module.empty() || operation(first->function) == "smp_call_function") return first;
  const Place* inner = first;
  for (const Place& place : trace.subspan(static_cast<std::size_t>(first - trace.data()))) {
    if (is_dispatcher(place.function)) return inner;
    if (!is_helper(place)) inner = &place;
  }
  return first;
}

Place lock_site(std::string_view line) {
  const std::size_t at = line.find(", at: ");
  return at == std::string_view::npos ? Place{} : parse_register_place(line.substr(at + 6));
}

bool lists_held_lock(std::string_view line) {
  const std::size_t hash = line.find('#');
  return hash + 2 < line.size() && hash < line.find(", at: ") && hash < line.find('(');
}

}  // namespace labctl::crash

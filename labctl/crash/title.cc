// What makes a title stable: two crashes of one bug share it, on two kernels and on two days.
#include <re2/re2.h>

#include <array>
#include <string>

#include "labctl/crash/dialect.h"

namespace labctl::crash {
namespace {

bool all_digits(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

bool compiler_suffix(std::string_view suffix) {
  constexpr std::array<std::string_view, 6> names{"cold", "isra", "constprop", "part", "llvm", "lto_priv"};
  if (all_digits(suffix)) return true;
  for (const std::string_view name : names) {
    if (suffix == name) return true;
  }
  return false;
}

RE2::Options latin1() {
  RE2::Options options(RE2::Latin1);
  options.set_log_errors(false);
  return options;
}

// Functions that report, check, copy or wait on behalf of their caller. Kernels differ in which of them
// stands on top of a trace (memcpy, __memcpy, rep_movs_alternative), and none of them is ever the culprit.
constexpr const char* helper_pattern =
    // reporting
    "_*dump_stack(?:_lvl)?|_*show_(?:stack|regs|trace).*|print_(?:address|report|circular|usage|bad|unlock|"
    "lock|freed|"
    "irq|cpu|other|deadlock|trailer|unreference|nested).*|_*warn(?:_slowpath.*|_printk)?|__warn.*|report_bug|"
    "handle_bug|exc_.*|asm_.*|do_(?:trap|error_trap|invalid_op|page_fault|user_addr_fault|kern_addr_fault).*|"
    "error_entry|page_fault(?:_oops)?|v?panic|nmi_panic|_*die(?:_.*)?|oops_.*|_*bad_area.*|no_context|fixup_."
    "*|"
    "kernelmode_.*|handle_stack_overflow|sysvec_.*|el1.*|do_(?:mem_abort|translation_fault).*|"
    // checking
    "_*(?:kasan|asan|kfence|kmsan|msan|kcsan|tsan|ubsan|hwasan|sanitizer)_.*|check_memory_region|end_report|"
    "object_err|slab_(?:err|fix|bug|pad).*|free_debug_.*|on_freelist|debug_.*|_*check_(?:object_size|heap_"
    "object).*|"
    "usercopy_.*|fortify_panic|__fortify_.*|bad_page.*|__stack_chk_fail|refcount_.*|_*refcount_.*|kref_.*|"
    "kobject_(?:put|get)|_*list_(?:add|del).*|_*hlist_(?:add|del).*|plist_.*|_*rb_(?:erase|insert).*|"
    "_*(?:might_(?:sleep|resched|fault)|cant_sleep|cant_migrate)|ref_tracker_.*|check_preemption_disabled|"
    "_*this_cpu_preempt_check|debug_smp_processor_id|"
    // locks
    "_*(?:raw_|do_raw_)?(?:spin|read|write|seq)_?(?:un|try)?lock.*|do_raw_.*|_raw_.*|_*(?:native_|pv_|__pv_)?"
    "queued_.*|"
    "spin_.*|_*mutex_.*|ww_mutex.*|_*rwsem_.*|_*(?:down|up)(?:_(?:read|write|trylock|interruptible|killable|"
    "timeout|"
    "common).*)?|_*lock_(?:acquire|release|is_held|downgrade).*|lockdep_.*|check_(?:prev|noncircular|"
    "deadlock|flags|"
    "irq_usage|wait_context).*|validate_chain.*|register_lock_class|look_up_lock_class|reacquire_held_locks|"
    "hlock_class|mark_(?:lock|usage|"
    "held).*|"
    "valid_state|rt_spin_.*|rt_mutex.*|_*bit_spin_.*|rcu_read_.*|"
    // waiting
    "_*schedule(?:_.*)?|io_schedule.*|preempt_schedule.*|_*wait_(?:for|on)_.*|do_wait_.*|_*wait_event.*|"
    "wait_woken|_*cond_resched.*|context_switch|_*switch_to.*|_*(?:const_)?udelay|__delay|delay_.*|msleep.*|"
    "usleep_.*|cpu_relax|rep_nop|_*completion.*|__flush_work.*|"
    // watchdogs and stacks of others
    "_*nmi_.*|default_do_nmi|do_nmi|end_repeat_nmi|trigger_.*|arch_trigger_.*|watchdog_.*|softlockup_.*|"
    "check_(?:cpu_stall|hung).*|rcu_(?:dump|check|sched_clock|pending).*|smp_apic_.*|apic_timer_.*|"
    "_*hrtimer_(?:run|interrupt).*|update_process_times|tick_(?:sched|nohz|periodic).*|"
    // copying and strings
    "_*mem(?:cpy|set|move|cmp|chr|scan|set16|set32|set64|dup|copy)(?:_.*)?|_*mem(?:cpy|set|move).*|"
    "_*(?:raw_)?copy_(?:to|from|in)_.*|_*copy_user.*|rep_(?:movs|stos)_.*|clear_(?:user|page).*|copy_page.*|"
    "_*arch_(?:copy|clear)_.*|_*str(?:n|l|s|r|sep|scpy|len|cmp|cpy|cat|chr|str|dup|spn|pbrk|noff|ncpy|nlen|"
    "lcpy|lcat|"
    "ncmp|ncat|nchr|nstr|rchr|casecmp|ncasecmp|reverse)*|crc\\d+.*|v?s?n?c?printf|vsnprintf|string(?:_"
    "nocheck)?|"
    "_*printk.*|_printk|vprintk.*|"
    // allocating
    "_*k[vz]?free(?:_.*)?|k[vz]*alloc.*|_*k[mvz]*alloc.*|_*kmem_cache_.*|_*slab_(?:alloc|free).*|__slab_.*|"
    "kfree_(?:sensitive|const)|_*vfree.*|_*vmalloc.*|_*alloc_pages.*|_*alloc_frozen.*|_*free_pages.*|"
    "__free_.*pages.*|_*krealloc.*|do_slab_free|cache_.*free.*|"
    "warn_alloc.*|create_object|kmemleak_.*|post_alloc_hook|prep_new_page|_*set_page_owner|_*dump_page|"
    "get_page_from_freelist|free_pcp.*|free_unref.*|should_fail.*|_*should_failslab|k(?:str|mem)n?dup.*|"
    // entering and unwinding
    "invalid_op|__panic|sched_show_task|dump_backtrace.*|print_tainted|get_taint|entry_.*|ret_from_.*|retint_"
    ".*|"
    "common_interrupt|interrupt_entry|__x86_indirect_thunk.*|__x86_return_thunk|unwind_.*|stack_trace_.*|"
    "save_stack.*|trace_hardirqs_.*|bit_wait.*|folio_wait.*|_*folio_lock.*|__lock_page.*|rcu_gp_.*|"
    "tick_handle_periodic|console_(?:unlock|lock|trylock).*|serial8250_.*|io_serial_.*|skb_(?:over_|under_)?"
    "panic|"
    "test_and_.*_bit|_*crc_.*|_*phys_addr.*|"
    // languages
    "rust_.*|core::panick.*|_R.*(?:4core9panicking|rust_begin_unwind).*";

}  // namespace

std::string plain_function(std::string_view symbol) {
  symbol = symbol.substr(0, symbol.find("+0x"));
  if (symbol.ends_with("()")) symbol.remove_suffix(2);
  for (;;) {
    const std::size_t dot = symbol.rfind('.');
    if (dot == std::string_view::npos || dot == 0 || !compiler_suffix(symbol.substr(dot + 1))) break;
    symbol = symbol.substr(0, dot);
  }
  return std::string(symbol.substr(0, 120));
}

bool is_helper(std::string_view function) {
  static const RE2 helper(helper_pattern, latin1());
  return RE2::FullMatch(re2::StringPiece(function.data(), function.size()), helper);
}

std::string plain_text(std::string_view text) {
  static const RE2 exit_code(",? exitcode=.*", latin1());
  static const RE2 address("\\b(?:0x[0-9a-fA-F]+|[0-9a-f]{8}(?:[0-9a-f]{8})?)\\b", latin1());
  static const RE2 number("\\b\\d+\\b", latin1());
  static const RE2 odd("[^ -~]+", latin1());
  std::string plain(text.substr(0, 160));
  RE2::GlobalReplace(&plain, exit_code, "");
  RE2::GlobalReplace(&plain, address, "ADDR");
  RE2::GlobalReplace(&plain, number, "NUM");
  RE2::GlobalReplace(&plain, odd, "?");
  while (!plain.empty() && (plain.back() == ' ' || plain.back() == '.')) plain.pop_back();
  return plain;
}

}  // namespace labctl::crash

// The guest that proves an accelerator: one boot sector that goes through everything a modern kernel needs on its
// way up and that emulated, nested or half-working hardware virtualisation gets wrong: real mode, protected mode, long
// mode, SSE, an exception, a page fault that is repaired and retried, timer interrupts out of HLT, CPUID and MSR exits
// and then plain computing whose result cannot be guessed. It says one letter per step on the debug console, so that
// a failure has a place:
//   R real  P protected  L long mode  S SSE  X exception  F page fault  T timer  C cpuid/msr  then 16 hex digits, '.'
//
// The bytes are committed in proof_guest.h, so that a build needs no assembler for 16-bit code:
//   gcc -c proof_guest.S -o p.o && ld -Ttext=0x7c00 --oformat=binary -o p.bin p.o && xxd -i p.bin
// tests/machine/accel_test.cc assembles this file again and compares.
.intel_syntax noprefix
.equ PML4, 0x1000          // two more tables follow: 0x2000 and 0x3000
.equ PD,   0x3000
.equ IDT,  0x4000
.equ SAY,  0xe9            // isa-debugcon
.equ EXIT, 0xf4            // isa-debug-exit: QEMU ends with (value << 1) | 1
.equ ROUNDS, 1 << 27       // 0.2 s on hardware, about half a second under TCG

.macro say letter
  mov al, \letter
  out SAY, al
.endm

.globl _start
.code16
_start:
  cli
  cld
  xor ax, ax
  mov ds, ax
  mov es, ax
  mov ss, ax
  mov sp, 0x7c00
  say 'R'
  mov edi, PML4
  mov cr3, edi
  xor eax, eax
  mov ecx, 0x5000 / 4      // the tables and the IDT
  rep stosd
  mov word ptr [PML4], 0x2003
  mov word ptr [0x2000], 0x3003
  mov word ptr [PD], 0x0083          // the first 2 MiB, one large page
  lgdt [gdt_pointer]
  mov eax, cr0
  or al, 1
  mov cr0, eax
  jmp 0x18:protected

.code32
protected:
  mov ax, 0x10
  mov ds, ax
  mov es, ax
  mov ss, ax
  mov esp, 0x7c00
  say 'P'
  mov eax, 0x620           // PAE, OSFXSR, OSXMMEXCPT
  mov cr4, eax
  mov ecx, 0xc0000080      // EFER: long mode and NX
  rdmsr
  or eax, 0x900
  wrmsr
  mov eax, cr0
  and al, 0xf3             // no FPU emulation
  or eax, 0x80010002       // paging, write protection, monitor coprocessor
  mov cr0, eax
  jmp 0x08:long_mode

.code64
long_mode:
  say 'L'
  // SSE: (3 * 5) in both lanes, read back.
  mov eax, 3
  cvtsi2sd xmm0, eax
  mov eax, 5
  cvtsi2sd xmm1, eax
  mulsd xmm0, xmm1
  cvttsd2si eax, xmm0
  cmp eax, 15
  jne failed
  say 'S'
  // Gates for #UD, the timer (the BIOS left it at vector 8) and #PF.
  mov edi, IDT + 6 * 16
  mov eax, offset on_ud
  call gate
  mov edi, IDT + 8 * 16
  mov eax, offset on_timer
  call gate
  mov edi, IDT + 14 * 16
  mov eax, offset on_fault
  call gate
  lidt [idt_pointer]
  ud2
  cmp ebp, 0x55
  jne failed
  say 'X'
  mov ebx, 0x400000        // not mapped; the handler maps it onto the first 2 MiB
  mov eax, [rbx + 0x7dfe]  // so this is our own signature
  cmp ax, 0xaa55
  jne failed
  say 'F'
  xor ebp, ebp
1:
  sti
  hlt
  cli
  cmp ebp, 3
  jb 1b
  say 'T'
  mov esi, 2000
2:
  xor eax, eax
  cpuid
  mov ecx, 0x1b            // APIC base
  rdmsr
  rdtsc
  mov ecx, 0xc0000080
  rdmsr
  test ah, 4               // long mode active
  jz failed
  dec esi
  jnz 2b
  say 'C'
  mov rbx, 6364136223846793005       // Knuth's MMIX generator
  mov eax, 1
  mov ecx, ROUNDS
3:
  imul rax, rbx
  inc rax
  dec ecx
  jnz 3b
  mov rbx, rax
  mov ecx, 16
4:
  rol rbx, 4
  mov al, bl
  and al, 15
  add al, '0'
  cmp al, '9'
  jbe 5f
  add al, 'a' - '9' - 1
5:
  out SAY, al
  dec ecx
  jnz 4b
  say '.'
  mov al, 0x10
  jmp leave
failed:
  mov al, 0x11
leave:
  out EXIT, al
6:
  hlt
  jmp 6b

gate:                      // edi: where, eax: the handler, below 64 KiB
  mov [rdi], ax
  mov dword ptr [rdi + 2], 0x8e000000 | 0x08
  mov word ptr [rdi + 6], 0
  ret
on_ud:
  mov ebp, 0x55
  add qword ptr [rsp], 2   // past ud2
  iretq
on_timer:
  inc ebp
  mov al, 0x20
  out 0x20, al
  iretq
on_fault:
  add rsp, 8               // the error code
  mov word ptr [PD + 16], 0x0083
  iretq

.balign 4
gdt:
  .quad 0
  .quad 0x00209a0000000000 // 0x08: 64-bit code
  .quad 0x00cf92000000ffff // 0x10: data
  .quad 0x00cf9a000000ffff // 0x18: 32-bit code
gdt_pointer:
  .word . - gdt - 1
  .long gdt
idt_pointer:
  .word 15 * 16 - 1
  .quad IDT
.org 510
  .word 0xaa55

/*
 * nt-standin: TEST EQUIPMENT. A guest that behaves on the wire as a Windows guest does, so that labctl's
 * Windows side can be run for real where no Windows is at hand. It is no Windows, contains nothing of one,
 * and proves nothing about one: what it says is written from documentation.
 *
 * One static program, the first and only process of a Linux kernel. What it does is chosen by the candidate's
 * artifact: a driver file that begins with "NT-STANDIN DRIVER" and lines of key=value (see behaviour.c).
 */
#ifndef STANDIN_H
#define STANDIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define SYSTEM_ROOT "/c/Windows"
#define OS_BUILD 20348

/* ---- text.c: bytes that grow, base64, numbers ---- */
struct text {
  char *at; /* always ends in NUL once something was put */
  size_t size, room;
};
void put(struct text *to, const char *bytes, size_t size);
void print(struct text *to, const char *format, ...) __attribute__((format(printf, 2, 3)));
void put_base64(struct text *to, const void *bytes, size_t size);
size_t from_base64(const char *text, size_t size, void *bytes); /* `bytes` has room for `size` */
char *copy(const char *text, size_t size);
const char *find_word(const char *in, const char *word); /* without case */
bool starts(const char *text, const char *with);         /* without case */
double seconds(void);                                    /* since the kernel started */

/* ---- json.c: reads what an agent's client sends ---- */
/* The raw value at a path of keys, "arguments.path"; NULL when there is none. */
const char *json_find(const char *json, const char *path, size_t *size);
char *json_text(const char *json, const char *path); /* NULL when it is no text */
long long json_number(const char *json, const char *path, long long otherwise);
bool json_flag(const char *json, const char *path);
int json_texts(const char *json, const char *path, char **texts, int most); /* a list of texts */
void json_quote(struct text *to, const char *bytes);

/* ---- state.c: what outlives a boot: key=value on the disk, and the System log ---- */
void state_load(void);
const char *state_get(const char *key, const char *otherwise);
int state_number(const char *key, int otherwise);
void state_set(const char *key, const char *value); /* NULL removes */
void state_set_number(const char *key, int value);
void state_each(const char *prefix, void (*each)(const char *key, const char *value, void *with), void *with);

/* `data`: what stands in the event's EventData, as XML. */
void log_event(int id, const char *provider, const char *data);
/* Events of these numbers as wevtutil prints them, one a line, the newest first; returns how many. */
int log_tell(struct text *to, const int *ids, int count);
void time_text(char *to, size_t room, long long unix_time, const char *format);

/* ---- disk.c: modules, devices, C: and D:, files by their Windows names ---- */
void disk_prepare(void);
bool disk_mount_system(void);
bool disk_mount_cd(void); /* D: as it is now */
void disk_sync(void);
void disk_release(void);                                    /* C: is clean afterwards */
void disk_path(const char *windows, char *to, size_t room); /* "C:\a\b" -> "/c/a/b", whatever the case */
void disk_path_in(const char *folder, const char *windows, char *to,
                  size_t room);                  /* the same below a folder */
char *file_read(const char *path, size_t *size); /* NULL when it cannot be read */
bool file_write(const char *path, const void *bytes, size_t size);
bool file_copy(const char *from, const char *to);
void make_folders(const char *file); /* those above it */
void file_sha256(const void *bytes, size_t size, char hex[65]);

/* ---- volumes.c: every medium in a drive, by letter and label ---- */
enum { VOLUMES = 4 };
struct volume {
  char folder[16], label[33], letter;
};
void volumes_mount(void);
const struct volume *volume_called(const char *pattern); /* NULL when there is none, as of the next two */
const struct volume *volume_lettered(char letter);
const struct volume *volume_with(const char *windows, char *to, size_t room);
bool volume_file(const struct volume *in, const char *windows, char *to,
                 size_t room); /* its path, when it is there */

/* ---- answers.c: an answer file ---- */
enum { ANSWERS = 200 };
struct answers {
  struct answer {
    char *path, *value;
  } entry[ANSWERS];
  int count;
  char wrong[200];
};
bool answers_read(const char *path, struct answers *to); /* false: `wrong` says why */
const char *setting(const struct answers *in, const char *path, int which);
bool setting_is(const struct answers *in, const char *path, const char *value);

/* ---- setup.c, first_logon.c, fit.c: an unattended installation ---- */
#define PANTHER SYSTEM_ROOT "/Panther/unattend.xml"
bool setup_is_asked(void); /* this is the kernel of an installation medium */
_Noreturn void setup_run(void);
_Noreturn void setup_fails(const char *format, ...) __attribute__((format(printf, 1, 2)));
bool first_logon_is_due(void);
_Noreturn void first_logon(void);
/* make-fit.ps1, with or without -Check: whether nothing is missing. */
bool fit_run(const char *path, bool check, const char *signing, void (*say)(const char *format, ...));

/* ---- screen.c: the real framebuffer, in the kernel's own font ---- */
enum layout { LAYOUT_7, LAYOUT_8, LAYOUT_10, LAYOUT_11, LAYOUT_24H2, LAYOUT_GREEN };
struct stop;
void screen_open(void);
void screen_black(void);
void screen_desktop(void);
void screen_repair(void); /* WinRE */
void screen_setup(const char *title, const char *words);
void screen_stop(const struct stop *stop, int percent);

/* ---- behaviour.c: what a driver's file asks for ---- */
enum trouble {
  HEALTHY,
  CRASH,          /* a stop */
  HANG,           /* everything stands still, without a word */
  SPIN,           /* ... and is busy with it */
  BLACK,          /* as HANG, with a black screen and the agent's end closed */
  AGENT_DIES,     /* the system lives */
  RESET,          /* without a word */
  POWER_OFF,      /* an orderly one that nobody asked for */
  REFUSES,        /* the driver does not start */
  STOPS,          /* the driver starts and is gone a moment later */
  WINRE,          /* boots end in the recovery environment, without an agent */
  WINPE,          /* ... with one: a system that answers and is the wrong one */
  SAFE_MODE,      /* the right system without the driver */
  LIVE_DUMP,      /* a report of a system that goes on: no crash */
  AUDITED,        /* a policy in audit mode lets it in */
  SHUTDOWN_HANGS, /* the reboot never happens */
  NO_REBOOT,      /* the reboot is told and does not happen */
  WRONG_CONTENT,  /* content is another after a boot */
  NO_CONTENT,     /* ... is gone */
  WRONG_DRIVER,   /* the driver's file is another after a boot */
  NO_DRIVER,      /* ... is gone, and the driver runs */
  NO_VERIFIER,    /* Driver Verifier no longer watches after a boot */
  OUTLIVES,       /* the service outlives its removal */
  IDLE_VERIFIER,  /* Driver Verifier is told of the driver and does not watch it */
  DETACHED,       /* a minifilter without an instance */
  EVICTS,         /* ... beside which Defender's is gone */
  IMMOVABLE,      /* ... that cannot be unloaded */
  UNGUARDED,      /* memory integrity is off after a boot */
};
enum dump { DUMP_NONE, DUMP_SMALL, DUMP_KERNEL, DUMP_TORN };

struct stop {
  uint32_t code;
  uint64_t parameter[4];
  char name[64];
  char driver[64]; /* blamed; may be empty */
  enum layout layout;
};

struct behaviour {
  enum trouble trouble;
  int boot;     /* how often the system must have booted with the driver: 0 at once */
  double after; /* seconds after the driver's start */
  struct stop stop;
  enum dump dump;
  bool ems, panic, paint, restart, on_apply, once;
  bool when_verified; /* only while Driver Verifier watches */
  int installer;      /* what pnputil or msiexec exits with */
  bool better;        /* the system keeps another driver than this one */
  char version[32];
  char altitude[40]; /* of a minifilter; empty: it is none */
};
struct behaviour behaviour_read(const char *file, size_t size);

/* ---- sample.c: the sample sensor, whose real code this runs ---- */
bool sample_is(const char *file, size_t size);
void sample_start(void); /* reads its content; does not come back when that kills it */

/* ---- crash.c: how it ends ---- */
_Noreturn void stand_still(void); /* deaf and dumb; every file stays open */
_Noreturn void hang(void);        /* to all but an NMI */
_Noreturn void spin(void);        /* ... and busy */
void watch_nmi(void);             /* ends in a stop when there was one */
_Noreturn void reset_now(void);   /* as hardware would */
_Noreturn void bug_check(const struct behaviour *how);
void write_dump(const char *path, const struct stop *stop, enum dump kind);
void after_bug_check(void); /* the boot after one: minidump, System log */

/* ---- serial.c: COM1, the emergency console ---- */
void serial_open(void);
void serial_say(const char *format, ...) __attribute__((format(printf, 1, 2)));
void serial_boot(void);
void serial_answer(void); /* whatever was typed */

/* ---- driver.c: the candidate as a service ---- */
enum kind_of_boot { NORMAL, RECOVERY, PREINSTALLED, SAFE };
enum kind_of_boot driver_boot_kind(void); /* what installed drivers make of this boot */
void driver_boot(void);                   /* the services that start by themselves */
void driver_create(const char *service, const char *path, const char *start);
void driver_delete(const char *service);
int driver_start(const char *service); /* an exit status of sc */
void driver_stop(const char *service);
bool driver_known(const char *service);
bool driver_running(const char *service);
bool driver_verified(const char *service);
bool driver_path(const char *service, char *to, size_t room); /* of its file, as Windows writes it */
struct behaviour driver_behaviour(const char *service);
void driver_tick(void);    /* what is due */
void driver_applied(void); /* new content is in use */
enum trouble driver_at_shutdown(void);

/* ---- package.c: a zip with an INF and what belongs to it ---- */
bool package_unpack(const char *zip, const char *folder);
void package_each(const char *folder, const char *suffix, void (*each)(const char *path, void *with),
                  void *with);

/* ---- agent.c: the guest agent's protocol ---- */
void agent_open(void);
void agent_close(void);
void agent_serve(int patience_ms);

/* ---- commands.c, shell.c: what is run through it ---- */
struct result {
  struct text out, err;
  int status;
  double ready; /* when it has ended, in seconds() */
};
void command_run(const char *path, char **argument, int count, struct result *result);
void shell_line(const char *line, struct result *result); /* one command that an author wrote */
/* The value of `$name = '...'` in a script; empty when it is not assigned. */
void value_of(const char *script, const char *name, char *to, size_t room);
bool digest_of(const char *windows, char hex[65]);
void say(struct result *result, const char *words);
void fail_with(struct result *result, int status, const char *why);
void say_unknown(struct result *result, const char *what);

/* ---- install.c: a candidate comes and goes, each a command of labctl's ---- */
void install_inf(const char *script, struct result *result);
void install_msi(const char *script, struct result *result);
void install_service(const char *script, struct result *result);
void remove_driver(const char *script, struct result *result);
void remove_msi(const char *script, struct result *result);
void loaded(const char *script, struct result *result);
void filter(const char *script, struct result *result);
void unload_filter(const char *script, struct result *result);
void load_filter(const char *script, struct result *result);

/* ---- main.c ---- */
extern enum kind_of_boot this_boot;
extern char boot_id[40];
void ask_for_power(bool restart); /* happens when the answer is out */

#endif

/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/*
 * The contract between the gate (BPF) and mapd (Swift): every shared struct,
 * limit, map name and reason code, and nothing else. Swift imports this header
 * as module `Contract`; the BPF program includes it. A change of a struct here
 * is a change of layout: raise HF_LAYOUT, the pin directory carries it.
 *
 * Integers are little-endian (x86_64, arm64). All padding is named, because
 * hash map keys are compared byte by byte.
 */
/* The comments stand in columns. */
/* clang-format off */
#ifndef HOLDFAST_CONTRACT_H
#define HOLDFAST_CONTRACT_H

#if defined(__bpf__)
/* kernel.h has declared the fixed-width types */
#define HF_ASSERT_SIZE(type, size) _Static_assert(sizeof(type) == (size), #type)
typedef __u8 hf_u8;
typedef __u32 hf_u32;
typedef __s32 hf_s32;
typedef __u64 hf_u64;
typedef __s64 hf_s64;
#else
#include <stdint.h>
#define HF_ASSERT_SIZE(type, size) _Static_assert(sizeof(type) == (size), #type)
typedef uint8_t hf_u8;
typedef uint32_t hf_u32;
typedef int32_t hf_s32;
typedef uint64_t hf_u64;
typedef int64_t hf_s64;
#endif

/*
 * The layout of all pinned maps: /sys/fs/bpf/holdfast/v<HF_LAYOUT>/. The gate's object
 * says which one it has, and mapd carries over what another layout has pinned. For that
 * to work in both directions a layout only appends: map keys never change, values grow
 * at their end, and zero in a new field means what was so before it was there. A map
 * that cannot grow so gets a new name: the mmapped words (`assignments`, `rulesets`), and
 * `events`, whose records no map description tells the size of.
 */
#ifndef HF_LAYOUT
#define HF_LAYOUT 1
#endif
/* HF_TEST_LAYOUT: another layout for the test of upgrades, which builds the object twice. */
#ifdef HF_TEST_LAYOUT
#define HF_APPENDED hf_u64 appended;
#define HF_APPENDED_BYTES 8
#else
#define HF_APPENDED
#define HF_APPENDED_BYTES 0
#endif

/*
 * Limits. Each says what happens at the limit.
 */

/* Components of a path, and mounts crossed, that the walk follows.
 * Beyond: reason HF_REASON_PATH_TOO_DEEP (protect refuses). */
#define HF_PATH_COMPONENTS_MAX 64
#define HF_PATH_MOUNTS_MAX 6
/* Bytes of one component (NAME_MAX of the kernel). */
#define HF_NAME_MAX 255
/* Different cgroup2 levels that can carry bindings at once, and the deepest of
 * them. Beyond: mapd refuses to bind. */
#define HF_BOUND_LEVELS_MAX 8
#define HF_CGROUP_LEVEL_MAX 255
/* Ancestors looked at in a v1 hierarchy. A task nested deeper below its
 * container's cgroup is found by its pid namespace, in a foreign cgroup: refused.
 * In a container without a pid namespace of its own it is not found: allowed. */
#define HF_V1_ANCESTORS_MAX 64
/* Mounts crossed, and bytes of path, in a small and a large event record. A longer
 * path is reported with its leaf components only and the flag HF_EVENT_PATH_CUT;
 * the verdict stands. */
#define HF_EVENT_MOUNTS_MAX 4
#define HF_EVENT_PATH_SMALL 512
#define HF_EVENT_PATH_LARGE 4096

/* Default map sizes; options of mapd may raise them before the maps are created.
 * Full: mapd refuses the new binding or rule set with an error and a counter;
 * what is in the maps stays in force. */
#define HF_BINDINGS_MAX 16384
#define HF_RULE_SETS_MAX 65536
#define HF_RULES_MAX 65536
/* Full: the verdict stands, the repeat is counted in HF_COUNTER_REPORTS_FULL. */
#define HF_REPORTS_MAX 16384
/* Full: the verdict stands, the loss is counted in HF_COUNTER_EVENTS_LOST. */
#define HF_EVENTS_BYTES (1 << 20)
/* Execs that are between a script and its interpreter. Full: the oldest goes, and its
 * interpreter is judged by what is in force then: allow or deny as that policy says. */
#define HF_CHAINS_MAX 2048

/* What a rule set does with an exec that is not allowed. */
enum hf_mode {
	HF_MODE_OFF = 0,     /* not judged */
	HF_MODE_LEARN = 1,   /* allowed, each new executable reported once */
	HF_MODE_MONITOR = 2, /* allowed, reported */
	HF_MODE_PROTECT = 3, /* refused, reported */
};

enum hf_verdict {
	HF_VERDICT_ALLOW = 0,
	HF_VERDICT_REPORT = 1, /* monitor: allowed though not listed */
	HF_VERDICT_REFUSE = 2,
	HF_VERDICT_LEARN = 3,
};

/* Why. Everything but LISTED is refused in protect. Names: hf_reason_names in mapd. */
enum hf_reason {
	HF_REASON_LISTED = 0,
	HF_REASON_NOT_LISTED = 1,              /* no rule for the path */
	HF_REASON_INTERPRETER_NOT_LISTED = 2,  /* #! or binfmt_misc interpreter without a rule */
	HF_REASON_SCRIPT_UNSEEN = 3,           /* kill attach point: the script's file is gone by then */
	HF_REASON_FOREIGN_MOUNT_NAMESPACE = 4, /* the task left the container's mount namespace */
	HF_REASON_FOREIGN_ROOT = 5,            /* the root mount is not the container's */
	HF_REASON_FOREIGN_MOUNT = 6,           /* the file's mount is in no or another namespace */
	HF_REASON_LATER_MOUNT = 7,             /* the mount was made after the start */
	HF_REASON_ANONYMOUS_FILE = 8,          /* memfd, O_TMPFILE, deleted */
	HF_REASON_WRITABLE_LAYER = 9,          /* from the overlay's upper layer */
	HF_REASON_CHANGED_FILE = 10,           /* inode changed after the start */
	HF_REASON_PATH_TOO_DEEP = 11,
	HF_REASON_PATH_UNREACHABLE = 12,       /* moved out of its mount's root */
	HF_REASON_FOREIGN_CGROUP = 13,         /* left the container's cgroup */
	HF_REASON_RULE_SET_MISSING = 14,
	HF_REASON_UNREADABLE = 15,             /* a kernel field could not be read */
	HF_REASON_LAYER_UNKNOWN = 16,          /* overlay file whose layer could not be told */
	HF_REASON_COUNT = 17,
};

/* Indexes of map `counters` (per-CPU array of u64). */
enum hf_counter {
	HF_COUNTER_UNBOUND = 0,      /* exec of a task that belongs to no binding */
	HF_COUNTER_RUNTIME = 1,      /* the runtime's own exec on its way into a container */
	HF_COUNTER_OFF = 2,          /* bound, rule set in mode off */
	HF_COUNTER_ALLOWED = 3,      /* + hf_verdict for the three that follow */
	HF_COUNTER_REPORTED = 4,     /* monitor */
	HF_COUNTER_REFUSED = 5,
	HF_COUNTER_LEARNED = 6,
	HF_COUNTER_EVENTS_LOST = 7,  /* ring buffer full; the verdict stood */
	HF_COUNTER_REPORTS_FULL = 8, /* dedup map full; the verdict stood */
	HF_COUNTER_SEALED = 9,       /* containers whose start the gate saw */
	HF_COUNTER_KILL_FAILED = 10, /* kill attach point: the signal could not be sent */
	HF_COUNTER_TRACES_LOST = 11, /* execs of a traced container that were not told */
	HF_COUNTER_REASON_BASE = 16, /* + hf_reason: one per verdict other than allow */
	HF_COUNTER_COUNT = 48,
};

/* Slots of map `counters`: the gate's, then mapd's (each of the above + HF_COUNTERS_CARRIED:
 * what a gate of another layout counted before). */
enum {
	HF_COUNTERS_CARRIED = HF_COUNTER_COUNT,
	HF_COUNTERS_SLOTS = 2 * HF_COUNTER_COUNT,
};

enum hf_attach {
	HF_ATTACH_NONE = 0,
	HF_ATTACH_LSM = 1,
	HF_ATTACH_FMOD_RET = 2,
	HF_ATTACH_KILL = 3,
	HF_ATTACH_BACKSTOP = 4, /* the tracepoint behind fmod_ret: speaks up only to refuse */
};

/* Which hierarchy a cgroup id belongs to: 0 is cgroup2, else the v1 hierarchy's
 * number as in /proc/<pid>/cgroup. Ids of different hierarchies never compare. */
struct hf_cgroup_key {
	hf_u64 id;
	hf_u32 hierarchy;
	hf_u32 pad;
};
HF_ASSERT_SIZE(struct hf_cgroup_key, 16);

/* hf_binding.flags */
#define HF_BINDING_SEALED (1u << 0)       /* the workload has started; root and mounts below are valid */
#define HF_BINDING_OWN_PID_NS (1u << 1)   /* pid_ns was made for this container and is in `pidns` */
#define HF_BINDING_OVERLAY (1u << 2)      /* upper_* and work_* are valid */
#define HF_BINDING_SEAL_ANY (1u << 3)     /* adopted while running: root_mnt_* are mapd's; the next exec
					     of any task in the container's mount namespace seals the rest */

/*
 * Map `bindings`: hf_cgroup_key -> hf_binding. mapd inserts and deletes, and
 * never rewrites: the gate seals in place, a rewrite could lose the seal.
 * Which rule set applies is in `assignments[id]`, changed by one 4-byte store.
 */
struct hf_binding {
	hf_u32 id;            /* index into `assignments` */
	hf_u32 flags;         /* HF_BINDING_* */
	hf_u32 mnt_ns;        /* inode number of the mount namespace */
	hf_u32 pid_ns;        /* inode number of the pid namespace */
	hf_u32 init_tgid;     /* the container's init, in the initial pid namespace */
	hf_u32 root_mnt_id;   /* sealed: mount id of the container's root mount */
	hf_u64 root_mnt_unique; /* sealed: its unique id, 0 before Linux 6.8 */
	hf_u64 root_ino;      /* sealed: inode number of the root mount's root */
	hf_u32 root_dev;      /* sealed: its superblock's device, kernel dev_t */
	hf_u32 upper_dev;     /* device of the overlay's upper layer, kernel dev_t */
	hf_u64 upper_ino;     /* inode number of upperdir */
	hf_u64 work_ino;      /* inode number of workdir */
	hf_u64 mounts_seal;   /* sealed: last unique mount id, or the namespace's event count before 6.8 */
	hf_s64 started_sec;   /* CLOCK_REALTIME at binding; files changed later are HF_REASON_CHANGED_FILE */
	hf_u32 started_nsec;
	hf_u32 pad;
	HF_APPENDED
};
HF_ASSERT_SIZE(struct hf_binding, 88 + HF_APPENDED_BYTES);

/* Map `pidns`: inode number (u32) of a container's own pid namespace -> hf_pid_ns.
 * A task can leave its cgroup but not its pid namespace. */
struct hf_pid_ns {
	struct hf_cgroup_key binding;
	hf_u64 init_start_ticks; /* field 22 of /proc/<init>/stat (1/100 s): numbers of namespaces are reused */
};
HF_ASSERT_SIZE(struct hf_pid_ns, 24);

/*
 * Map `rulesets`: array of u64, one word a rule set, changed by one 8-byte store.
 * bits 0-31 generation, 32-39 mode, 40-63 flags.
 */
#define HF_RULE_SET_MODE_SHIFT 32
#define HF_RULE_SET_MODE_MASK 0xffull
#define HF_RULE_SET_VALID (1ull << 40)
#define HF_RULE_SET_HAS_DIRECTORIES (1ull << 41)
/* relaxations, each for one reason only */
#define HF_ALLOW_NESTED_NAMESPACES (1ull << 48) /* FOREIGN_MOUNT_NAMESPACE, FOREIGN_ROOT, FOREIGN_MOUNT */
#define HF_ALLOW_LATER_MOUNTS (1ull << 49)      /* LATER_MOUNT */
#define HF_ALLOW_ANONYMOUS_FILES (1ull << 50)   /* ANONYMOUS_FILE */
#define HF_ALLOW_WRITABLE_LAYER (1ull << 51)    /* WRITABLE_LAYER, CHANGED_FILE, LAYER_UNKNOWN */

/* Map `rules`: hf_rule_key -> u64 HF_RULE_* flags. */
struct hf_rule_key {
	hf_u32 rule_set;
	hf_u32 generation;
	hf_u64 path[2]; /* path key, see docs/path-key.md */
};
HF_ASSERT_SIZE(struct hf_rule_key, 24);

#define HF_RULE_EXECUTABLE (1u << 0)  /* may be executed */
#define HF_RULE_INTERPRETER (1u << 1) /* may run as the interpreter of a listed script */
#define HF_RULE_DIRECTORY (1u << 2)   /* the path is a directory: all below it may be executed */
/* The rule with path key {0, 0} (the root, which no policy may list) holds, for a
 * rule set with HF_RULE_SET_HAS_DIRECTORIES, a mask: bit n is set when a directory
 * rule has n components (n < 64; deeper directory rules are refused by mapd). */

/* Map `chains`: bpf_get_current_pid_tgid() of an exec -> what its script was judged by. mapd
 * keeps the rules of that generation until the interpreter was judged, 10 s at most. */
struct hf_chain {
	hf_u64 bprm; /* the exec's own address: tells it from one that failed before */
	hf_u64 word; /* of `rulesets` */
	hf_u64 time_ns; /* CLOCK_MONOTONIC */
	hf_u32 rule_set;
	hf_u32 pad;
};
HF_ASSERT_SIZE(struct hf_chain, 32);

/* Map `reports`: hf_report_key -> hf_report. First occurrence becomes an event,
 * repeats are counted here and read by mapd. */
struct hf_report_key {
	struct hf_cgroup_key binding;
	hf_u64 path[2];
	hf_u32 reason;
	hf_u32 verdict;
};
HF_ASSERT_SIZE(struct hf_report_key, 40);

/* In hf_report_key.verdict: an entry of mapd's own with what a gate of another layout has
 * counted before. It is added when the report is read; the gate does not look at it. */
#define HF_REPORT_CARRIED (1u << 31)

struct hf_report {
	hf_u64 count;
	hf_u64 emitted;   /* epoch of hf_config in which the event reached the ring buffer */
	hf_u64 last_ns;   /* CLOCK_MONOTONIC */
	HF_APPENDED
};
HF_ASSERT_SIZE(struct hf_report, 24 + HF_APPENDED_BYTES);

/* hf_event.flags */
#define HF_EVENT_PATH_CUT (1u << 0)
#define HF_EVENT_INTERPRETER (1u << 1) /* the executable is an interpreter */
#define HF_EVENT_TRACE (1u << 2)       /* told because the container is traced */
#define HF_EVENT_NO_REPORT (1u << 3)   /* and for no other reason */

/* A record of ring buffer `events`, followed by path_len bytes of path:
 * components from the leaf to the root, each ended by NUL. */
struct hf_event {
	hf_u64 time_ns; /* CLOCK_MONOTONIC */
	struct hf_cgroup_key binding;
	hf_u64 path[2];
	hf_u32 binding_id;
	hf_u32 rule_set;
	hf_u32 generation;
	hf_u32 mode;
	hf_u32 verdict;
	hf_u32 reason;
	hf_u32 attach;
	hf_u32 pid; /* thread group id, initial pid namespace */
	hf_u32 ppid;
	hf_u32 uid; /* initial user namespace */
	hf_u32 flags;
	hf_u32 path_len;
	char comm[16];
};
HF_ASSERT_SIZE(struct hf_event, 104);

/* Map `config`, one element. */
struct hf_config {
	hf_u64 secret[4];     /* keys of the path key's two lanes, from getrandom */
	hf_u64 levels;        /* cgroup2 levels that carry bindings, a byte each, deepest
				 first, 0 ends: one 8-byte store. A ninth level: mapd refuses to bind */
	hf_u64 epoch;         /* starts of mapd: a report is made an event anew in each */
	hf_u32 v1_hierarchy;  /* number of the v1 hierarchy that bindings use, 0: none */
	hf_u32 v1_controller; /* enum hf_v1_controller */
	hf_u32 overlap;       /* 1 while the gate of before is attached beside this one: what that
				 one has refused is not counted again */
	hf_u32 traced;        /* binding id + 1 of which every exec is told, or HF_TRACE_ALL;
				 0: none */
	HF_APPENDED
};
HF_ASSERT_SIZE(struct hf_config, 64 + HF_APPENDED_BYTES);

#define HF_TRACE_ALL 0xffffffffu

enum hf_v1_controller {
	HF_V1_NONE = 0,
	HF_V1_PIDS = 1,
	HF_V1_MEMORY = 2,
};

#endif

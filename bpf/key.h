/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/*
 * The keyed value of one component: two lanes of SipHash-2-4, each with a key
 * of its own (docs/path-key.md). Sources/Shared/PathKey.swift is its twin.
 */
#ifndef HOLDFAST_KEY_H
#define HOLDFAST_KEY_H

struct sip {
	u64 v0, v1, v2, v3;
};

#define ROTL(x, n) (((x) << (n)) | ((x) >> (64 - (n))))

static __always_inline void sip_rounds(struct sip *s)
{
	int i;

#pragma unroll
	for (i = 0; i < 2; i++) {
		s->v0 += s->v1;
		s->v2 += s->v3;
		s->v1 = ROTL(s->v1, 13) ^ s->v0;
		s->v3 = ROTL(s->v3, 16) ^ s->v2;
		s->v0 = ROTL(s->v0, 32);
		s->v2 += s->v1;
		s->v0 += s->v3;
		s->v1 = ROTL(s->v1, 17) ^ s->v2;
		s->v3 = ROTL(s->v3, 21) ^ s->v0;
		s->v2 = ROTL(s->v2, 32);
	}
}

static __always_inline void sip_absorb(struct sip *s, u64 word)
{
	s->v3 ^= word;
	sip_rounds(s);
	s->v0 ^= word;
}

/* Names lie in objects of a multiple of 8 bytes: whole words can be read, what
 * is behind the end is masked away. */
static __always_inline u64 lane_value(const u64 secret[2], u64 name, u32 len, u32 index)
{
	u32 words = (len + 7) >> 3, i;
	struct sip s;
	u64 word;

	s.v0 = secret[0] ^ 0x736f6d6570736575ull;
	s.v1 = secret[1] ^ 0x646f72616e646f6dull;
	s.v2 = secret[0] ^ 0x6c7967656e657261ull;
	s.v3 = secret[1] ^ 0x7465646279746573ull;
	for (i = 0; i < (HF_NAME_MAX + 7) / 8 && i + 1 < words; i++) {
		word = READ_WORD(name + 8 * i);
		sip_absorb(&s, word);
	}
	word = READ_WORD(name + 8 * i);
	if (len & 7)
		word &= (1ull << (8 * (len & 7))) - 1;
	sip_absorb(&s, word);
	sip_absorb(&s, (u64)index | (u64)(len & 0xff) << 32 | (u64)(8 * words + 7) << 56);
	s.v2 ^= 0xff;
	sip_rounds(&s);
	sip_rounds(&s);
	return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

__noinline u64 component_value(u64 name, u32 len, u32 index, u32 lane)
{
	u32 zero = 0;
	const struct hf_config *cfg = bpf_map_lookup_elem(&config, &zero);

	if (!cfg)
		return 0; /* cannot be: an array of one */
	return lane_value(&cfg->secret[lane ? 2 : 0], name, len, index);
}

/*
 * A function that the verifier takes on its own can return one number only, so
 * a key of two passes through a per-CPU slot. On a preemptible kernel another
 * task of this CPU may write it in between: the check tells, and the taker has
 * HF_REASON_UNREADABLE (refused in protect) rather than another exec's key.
 */
struct slot {
	u64 key[2];
	u64 check;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct slot);
} slots SEC(".maps");

static __always_inline u64 slot_check(const u64 key[2])
{
	return key[0] ^ ROTL(key[1], 1) ^ bpf_get_current_task();
}

static __always_inline bool hand_over(const u64 key[2])
{
	u32 zero = 0;
	struct slot *slot = bpf_map_lookup_elem(&slots, &zero);

	if (!slot)
		return false;
	slot->key[0] = key[0];
	slot->key[1] = key[1];
	slot->check = slot_check(key);
	return true;
}

static __always_inline bool take_over(u64 key[2])
{
	u32 zero = 0;
	volatile struct slot *slot = bpf_map_lookup_elem(&slots, &zero);
	u64 check;

	if (!slot)
		return false;
	key[0] = slot->key[0];
	key[1] = slot->key[1];
	check = slot->check;
	return check == slot_check(key);
}

#endif

// Package flags reads the flags that hoist puts into Redis.
package flags

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"math"
	"math/bits"
	"slices"
)

const buckets = 100_000

// Get gives the value of a key, and whether there is one. Any Redis client will do.
type Get func(key string) ([]byte, bool, error)

// Flags reads records below a prefix. A user of "" is nobody in particular.
type Flags struct {
	Get    Get
	Prefix string
}

type variant struct {
	name   string
	weight float64
}

// A map would forget the order of the variants.
type variants []variant

func (v *variants) UnmarshalJSON(data []byte) error {
	names := json.NewDecoder(bytes.NewReader(data))
	if _, err := names.Token(); err != nil {
		return err
	}
	for names.More() {
		name, err := names.Token()
		if err != nil {
			return err
		}
		one := variant{name: name.(string)}
		if err := names.Decode(&one.weight); err != nil {
			return err
		}
		*v = append(*v, one)
	}
	return nil
}

type record struct {
	Enabled       bool                `json:"enabled"`
	Percentage    *float64            `json:"percentage"`
	AllowedUsers  []string            `json:"allowed_users"`
	AllowedGroups []string            `json:"allowed_groups"`
	Variants      variants            `json:"variants"`
	Control       string              `json:"control"`
	Forced        map[string][]string `json:"forced"`
	Values        map[string]any      `json:"values"`
	Salt          string              `json:"salt"`
}

func (f Flags) record(flag string) (record, bool) {
	var found record
	data, there, err := f.Get(f.Prefix + ":" + flag)
	if err != nil || !there || json.Unmarshal(data, &found) != nil {
		return found, false
	}
	if found.Salt == "" {
		found.Salt = flag
	}
	return found, true
}

// IsEnabled tells whether the user has the flag; otherwise is the answer where there is no record.
func (f Flags) IsEnabled(flag, user string, groups []string, otherwise bool) bool {
	record, there := f.record(flag)
	if !there {
		return otherwise
	}
	if !record.Enabled {
		return false
	}
	if slices.Contains(record.AllowedUsers, user) {
		return true
	}
	for _, group := range groups {
		if slices.Contains(record.AllowedGroups, group) {
			return true
		}
	}
	return record.takesPart(user)
}

// Variant gives the value of the user's variant, which is its name where it has none.
func (f Flags) Variant(flag, user string, otherwise any) any {
	record, there := f.record(flag)
	if !there {
		return otherwise
	}
	name := record.draw(user)
	if value, there := record.Values[name]; there {
		return value
	}
	return name
}

func (r record) takesPart(user string) bool {
	share := uint32(buckets)
	if r.Percentage != nil {
		share = thousandths(*r.Percentage)
	}
	if user == "" || share == buckets {
		return share == buckets
	}
	return bucket(r.Salt+":"+user) < share
}

func (r record) draw(user string) string {
	if !r.Enabled || user == "" {
		return r.Control
	}
	for name, users := range r.Forced {
		if slices.Contains(users, user) {
			return name
		}
	}
	if !r.takesPart(user) {
		return r.Control
	}
	drawn, end := bucket(r.Salt+":variant:"+user), uint32(0)
	for _, variant := range r.Variants {
		end += thousandths(variant.weight)
		if drawn < end {
			return variant.name
		}
	}
	return r.Control
}

func thousandths(percent float64) uint32 {
	return uint32(math.Round(percent * 1000))
}

// Where a user falls: 0 to 99,999.
func bucket(text string) uint32 {
	return uint32(uint64(murmur3([]byte(text))) * buckets >> 32)
}

// MurmurHash3 x86 32 with seed 0.
func murmur3(data []byte) uint32 {
	scramble := func(k uint32) uint32 {
		return bits.RotateLeft32(k*0xcc9e2d51, 15) * 0x1b873593
	}
	hash, length := uint32(0), uint32(len(data))
	for ; len(data) >= 4; data = data[4:] {
		hash ^= scramble(binary.LittleEndian.Uint32(data))
		hash = bits.RotateLeft32(hash, 13)*5 + 0xe6546b64
	}
	var rest [4]byte
	copy(rest[:], data)
	hash ^= scramble(binary.LittleEndian.Uint32(rest[:])) ^ length
	hash = (hash ^ hash>>16) * 0x85ebca6b
	hash = (hash ^ hash>>13) * 0xc2b2ae35
	return hash ^ hash>>16
}

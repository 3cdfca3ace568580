package dualread

import (
	"math/rand/v2"
	"sync/atomic"
)

// shards is how many cores may count at once with little contention. Early in a
// move every read is a fallback, on every core.
const shards = 16

// counter counts events of many goroutines and is seldom read. The zero value
// is ready to use; it must not be copied.
type counter struct {
	shards [shards]shard
}

// shard fills two cache lines, as processors fetch them in pairs.
type shard struct {
	n atomic.Uint64
	_ [120]byte
}

// inc counts one. A shard is drawn at random, since Go does not tell on which
// core a goroutine runs: the draw takes no lock and shares no memory.
func (c *counter) inc() {
	c.shards[rand.Uint32()%shards].n.Add(1)
}

// sum returns what has been counted. It includes every inc that returned
// before sum was called.
func (c *counter) sum() uint64 {
	var sum uint64
	for i := range c.shards {
		sum += c.shards[i].n.Load()
	}
	return sum
}

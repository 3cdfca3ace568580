// Package redisset keeps the keys of rows that a transform has done in Redis, or
// in anything that speaks its protocol and runs its scripts, such as Valkey.
//
//	sync := bgtransform.Rows[Track]{
//		Name:      "push-tracks",
//		Reads:     []string{"title"},
//		Each:      push,
//		Processed: bgtransform.ProcessedIn(redisset.New(rdb)),
//	}
//
// The set of a transform called push-tracks is the sorted set
//
//	bgtransform:{push-tracks}:processed
//
// whose members are the first 16 bytes of the SHA-256 of each key, and whose scores
// are the numbers of the transactions that marked them. Beside it,
// bgtransform:{push-tracks}:processed:reverted holds those whose marks a revert has
// taken back, and bgtransform:{push-tracks}:processed:attempt fences off instances
// that were frozen. A member takes about 90 bytes of Redis's memory. Delete the
// three keys once nobody needs the set.
//
// # Failure
//
// A crash at any moment neither loses a mark nor leaves one too many. If Redis
// forgets marks (a flush, an eviction, a failover to a replica that lags), those
// rows are done again, so give it persistence and the policy noeviction, or keep the
// keys in the database with bgtransform.ProcessedInDatabase. While Redis cannot be
// reached, the transform waits.
package redisset

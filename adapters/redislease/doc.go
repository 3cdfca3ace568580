// Package redislease keeps leases in Redis, or in anything that speaks its
// protocol and runs its scripts, such as Valkey.
//
//	rdb := redis.NewClient(&redis.Options{Addr: addr})
//	cfg.Locker = redislease.New(rdb)
//
// A single server, Sentinel's failover client and Cluster all work: each lease is
// one key, and each method one short script on it. Only the server's clock counts.
//
// # Keys
//
// The lease of a transform called track-length-ms is the string
//
//	bgtransform:{track-length-ms}:lease
//
// with an expiry in milliseconds. The braces keep all keys of one transform in one
// slot of a Cluster; braces and percent signs within a name are percent-encoded.
// The value is the term, preceded by its length and a colon, and then the holder.
// Deleting the key frees the lease by force; its holder notices at the next
// renewal.
//
// # Failure
//
// Redis may lose everything. A failover to a replica that lags, a flush or an
// eviction frees a lease that somebody holds, and a second instance may win it:
// the engine's fence in the database, not this package, keeps the first from
// committing. So neither persistence nor WAIT is needed, and an eviction policy
// other than noeviction costs some wasted work at worst.
//
// When the master of a lease dies, renewals fail until a replica has taken its place
// and the client has found it. If that takes less than the TTL, nobody notices; else
// the lease is lost, and free for the first who asks the replica. A Cluster waits
// for its cluster-node-timeout before, 15 s by default, Sentinels for their
// down-after-milliseconds, 30 s by default.
//
// The client's own retries are harmless, since every script may be repeated. A
// client without ContextTimeoutEnabled ignores the deadline of a context and waits
// for its ReadTimeout, 5 s by default. The lease's keeper is made for that;
// enabling it shortens boot and shutdown while Redis hangs.
package redislease

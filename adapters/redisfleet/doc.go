// Package redisfleet lets the instances of a pool announce themselves in Redis, or in
// anything that speaks its protocol and runs its scripts, such as Valkey.
//
//	rdb := redis.NewClient(&redis.Options{Addr: addr})
//	cfg.Fleet = redisfleet.New(rdb)
//
// A single server, Sentinel's failover client and Cluster all work. Only the server's
// clock counts. Set it in the version of the app before the first move as well: an
// instance that announces itself elsewhere, or not at all, is not waited for.
//
// # Keys
//
// The pool is two keys, which the braces keep in one slot of a Cluster:
//
//	bgtransform:{fleet}:said    hash: what each member has said, by its term
//	bgtransform:{fleet}:times   hash: when it joined, was seen, and expires, in milliseconds
//
// Members that are gone are kept for a week, and the keys themselves for as long after
// the last announcement.
//
// # Failure
//
// A Redis that loses its memory forgets who was there. The pool is young again then, and
// for [fleet.Rules].MinAge no transform begins or goes on, and no phase advances. What an
// instance of an older version wrote just before that is not known any more: use
// persistence and no eviction, or the registry in the database, which has both.
package redisfleet

// Package fleet lets the instances of a pool know of each other, so that no part of a
// column's move begins while one of them would undo it.
//
// While a column moves, versions of the app live side by side that treat it in different
// ways: a [Stage] for each. An instance announces its own as a [Member] in a [Registry],
// with an expiry, and looks at the others. What it has seen is a [Pool], which answers:
//
//	seen, err := registry.Members(ctx)
//	pool := fleet.Pool(seen)
//	pool.Start("track-length-ms", rules)    // may rows be transformed now?
//	pool.Step(ask, rules)                   // which phase may this instance enter next?
//	pool.Contract("track-length-ms", "")    // does anybody still need the old column?
//
// The engine asks these questions by itself; this package is for those who want to
// look, to test, or to keep the registry elsewhere.
//
// # Why it needs to know
//
// An instance in [Before] writes the old column only. What it writes to a row that was
// transformed already is not in the new column, and no condition "new IS NULL" finds
// it. So a transform begins once every live instance has written both columns for a
// while, holds when one turns up that does not, as after a rollback, and walks all rows
// once more when that one is gone. An instance that comes and goes between two looks
// is seen too, because a registry keeps members that are gone for a week.
//
// An instance in [After] writes the new column only. From then on the old one is out of
// date, and must not be transformed again.
//
// # Time
//
// Only the registry's clock counts, and only as ages: how long ago a member was seen. The
// registry may be another server than the database, and their clocks are not compared.
//
// # What is not guaranteed
//
//   - A version of the app without this library announces nothing. Rules.MinAge is for it:
//     the pool must be older than it takes to replace all of that version.
//   - An instance that cannot reach the registry, and still writes to the database, counts as
//     gone when its announcement expires.
//   - A registry that loses its memory, as a Redis without persistence, forgets who was
//     there. The pool is young again, and for Rules.MinAge nothing begins or advances.
package fleet

package bgtransform_test

import (
	"testing"

	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform"
)

// A repair is a change like any other: with a journal, its before-image is kept
// in the transaction that makes it, and a revert begins with it.
func TestRepairsAreJournaled(t *testing.T) {
	t.Parallel()
	onEachDatabase(t, func(t *testing.T, d database) {
		for name, transform := range withJournals(d.open(t)) {
			db := newDBOn(t, d.kind, 250)
			in := start(t, db, quick(t), transform)
			in.untilState("x", bgtransform.StateComplete)
			exec(t, db, "UPDATE tracks SET length_ms = 7 WHERE id IN (3, 101, 200)")
			if v := in.verified("x", bgtransform.VerifyOptions{Repair: true}); v.Repaired != 3 {
				t.Errorf("%s: %+v", name, v)
			}
			journal, err := in.Control().Journal(t.Context(), "x", 1000)
			must(t, err)
			repairs := 0
			for _, e := range journal {
				if e.Before == `{"length_ms":"i7"}` && e.Standing == "open" {
					repairs++
				}
			}
			if len(journal) != 253 || repairs != 3 {
				t.Errorf("%s: the journal has %d entries, %d of repairs; want 253 and 3", name, len(journal), repairs)
			}
			// What is journaled later follows what the repair has.
			exec(t, db, "INSERT INTO tracks (id, title, length, length_ms) VALUES (900, 'late', 5, NULL)")
			must(t, in.Control().Restart(t.Context(), "x", ann))
			in.until("x", "complete again", func(st bgtransform.Status) bool { return st.Run == 2 && st.State == bgtransform.StateComplete })

			must(t, in.Control().Revert(t.Context(), "x", ann))
			st := in.untilState("x", bgtransform.StateReverted)
			if st.Rows != 251 || st.Moved != 3 {
				t.Errorf("%s: reverted with %d rows back and %d left; want 251 (the repairs too) and 3", name, st.Rows, st.Moved)
			}
			if n := count(t, db, "SELECT count(*) FROM tracks WHERE length_ms = 7 AND id IN (3, 101, 200)"); n != 3 {
				t.Errorf("%s: %d of 3 rows hold what they held before they were repaired", name, n)
			}
			if n := count(t, db, "SELECT count(*) FROM tracks WHERE length_ms IS NULL"); n != 248 {
				t.Errorf("%s: %d of 248 rows hold what they held before the run", name, n)
			}
			in.stop()
		}
	})
}

// Each verification is a pass of its own: of a row that two have repaired, and
// that the app has changed since, a revert leaves the older entry too, even
// where the app happened to write what the older repair had.
func TestRepairsOfARowAreRevertedInTheirOrder(t *testing.T) {
	t.Parallel()
	for name, transform := range withJournals(newDB(t, 0)) {
		db := newDB(t, 0)
		exec(t, db, "INSERT INTO tracks (id, title, length, length_ms) VALUES (1, 'one', 3, 7), (2, 'two', 2, 9)")
		in := start(t, db, quick(t), transform)
		in.untilState("x", bgtransform.StateComplete) // there was nothing to do
		repair := bgtransform.VerifyOptions{Repair: true}
		if v := in.verified("x", repair); v.Repaired != 2 { // 1 holds 3000
			t.Errorf("%s: %+v", name, v)
		}
		exec(t, db, "UPDATE tracks SET length = 5 WHERE id = 1")
		if v := in.verified("x", repair); v.Repaired != 1 { // 5000
			t.Errorf("%s: %+v", name, v)
		}
		exec(t, db, "UPDATE tracks SET length = 3, length_ms = 3000 WHERE id = 1")
		must(t, in.Control().Revert(t.Context(), "x", ann))
		st := in.untilState("x", bgtransform.StateReverted)
		if st.Rows != 1 || st.Moved != 2 {
			t.Errorf("%s: %d rows back and %d entries left, want 1 and 2", name, st.Rows, st.Moved)
		}
		if n := count(t, db, "SELECT length_ms FROM tracks WHERE id = 1"); n != 3000 {
			t.Errorf("%s: what the app has written was overwritten with %d", name, n)
		}
		if n := count(t, db, "SELECT length_ms FROM tracks WHERE id = 2"); n != 9 {
			t.Errorf("%s: the other row holds %d, want what it held before its repair", name, n)
		}
		in.stop()
	}
}

// withJournals are the transforms of [verifiables] with a journal.
func withJournals(db *bun.DB) map[string]bgtransform.Transform {
	rows, sql := toMS("x"), toMSBySQL("x")
	rows.Options.Journal, sql.Options.Journal = true, true
	byWrong := rows
	byWrong.Wrong, sql.Wrong, sql.Writes = wrongMS(db), wrongMS(db), []string{"length_ms"}
	return map[string]bgtransform.Transform{"rows": rows, "rows by wrong": byWrong, "sql": sql}
}

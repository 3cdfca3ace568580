package bgtransform_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform"
)

// wrongMS is the condition that a track's length_ms is wrong, on any database.
func wrongMS(db *bun.DB) string { return differs(db, "length_ms", "length * 1000") }

// verifiables are the ways to verify the one move: by computing it again, and
// by a condition, for both kinds.
func verifiables(db *bun.DB) map[string]bgtransform.Transform {
	rows, byWrong, sql := toMS("x"), toMS("x"), toMSBySQL("x")
	byWrong.Wrong, sql.Wrong = wrongMS(db), wrongMS(db)
	byWrong.Reads = nil
	return map[string]bgtransform.Transform{"rows": rows, "rows by wrong": byWrong, "sql": sql}
}

// verified asks for a verification and waits for its end.
func (in *instance) verified(name string, o bgtransform.VerifyOptions) bgtransform.Verification {
	in.t.Helper()
	must(in.t, in.Control().Verify(in.t.Context(), name, o, bgtransform.By{Who: "ann"}))
	return in.verifiedAlready(name)
}

func (in *instance) verifiedAlready(name string) bgtransform.Verification {
	in.t.Helper()
	st := in.until(name, "verified", func(st bgtransform.Status) bool {
		return st.Verify != nil && st.Verify.State != bgtransform.VerifyAsked && st.Verify.State != bgtransform.VerifyRunning
	})
	return *st.Verify
}

// found returns what a verification lists, as "key class columns".
func (in *instance) found(name string) []string {
	in.t.Helper()
	rows, err := in.Control().Mismatches(in.t.Context(), name, 2000)
	must(in.t, err)
	out := make([]string, len(rows))
	for i, m := range rows {
		out[i] = m.Key + " " + m.Class + " " + strings.Join(m.Columns, ",")
		if m.Repaired {
			out[i] += " repaired"
		}
	}
	slices.Sort(out)
	return out
}

// Every wrong value is found, and nothing else; the transform stays complete.
func TestVerifyFindsWhatIsWrong(t *testing.T) {
	t.Parallel()
	onEachDatabase(t, func(t *testing.T, d database) {
		for name, transform := range verifiables(d.open(t)) {
			db := newDBOn(t, d.kind, 550)
			in := start(t, db, quick(t), transform)
			done := in.untilState("x", bgtransform.StateComplete)
			if v := in.verified("x", bgtransform.VerifyOptions{}); !v.Clean() || v.Rows != 550 || v.Mismatches != 0 || v.By != "ann" || v.Progress != 1 {
				t.Errorf("%s: of right rows it says %+v", name, v)
			}
			st := in.untilState("x", bgtransform.StateComplete)
			if st.Verified.IsZero() || st.Verified.Before(st.Completed) || !st.Completed.Equal(done.Completed) || st.Rows != 550 || !st.Why().IsZero() {
				t.Errorf("%s: status is %+v", name, st)
			}
			exec(t, db, "UPDATE tracks SET length_ms = length_ms + 1 WHERE id IN (1, 100, 101)")
			exec(t, db, "UPDATE tracks SET length = 0 WHERE id = 550")
			v := in.verified("x", bgtransform.VerifyOptions{})
			if v.Clean() || v.Rows != 550 || v.Mismatches != 4 || v.Repaired+v.Pending+v.Unchecked != 0 {
				t.Errorf("%s: of 4 wrong rows it says %+v", name, v)
			}
			columns := "length_ms"
			if name != "rows" {
				columns = "" // a condition does not tell
			}
			want := []string{"1 value differs " + columns, "100 value differs " + columns, "101 value differs " + columns, "550 value differs " + columns}
			if diff := cmp.Diff(want, in.found("x")); diff != "" {
				t.Errorf("%s (-want +got):\n%s", name, diff)
			}
			if st := in.untilState("x", bgtransform.StateComplete); !st.Verified.IsZero() {
				t.Errorf("%s: said to be verified although rows are wrong", name)
			}
			in.stop()
		}
	})
}

// A repair writes what the transform would have, and only to wrong rows.
func TestVerifyRepairs(t *testing.T) {
	t.Parallel()
	onEachDatabase(t, func(t *testing.T, d database) {
		for name, transform := range verifiables(d.open(t)) {
			db := newDBOn(t, d.kind, 250)
			in := start(t, db, quick(t), transform)
			in.untilState("x", bgtransform.StateComplete)
			exec(t, db, "UPDATE tracks SET length_ms = 7 WHERE id IN (3, 200)")
			audit(t, db)
			v := in.verified("x", bgtransform.VerifyOptions{Repair: true})
			if !v.Clean() || v.Mismatches != 2 || v.Repaired != 2 {
				t.Errorf("%s: %+v", name, v)
			}
			if n := count(t, db, "SELECT count(*) FROM tracks WHERE "+wrongMS(db)); n != 0 {
				t.Errorf("%s: %d rows are wrong after a repair", name, n)
			}
			if n := count(t, db, "SELECT count(*) FROM audit"); n != 2 {
				t.Errorf("%s: %d rows were written, want 2", name, n)
			}
			if got := in.found("x"); len(got) != 2 || !strings.HasSuffix(got[0], " repaired") {
				t.Errorf("%s: %q", name, got)
			}
			if st := in.untilState("x", bgtransform.StateComplete); st.Verified.IsZero() || st.Rows != 250 {
				t.Errorf("%s: after a repair %+v", name, st)
			}
			in.stop()
		}
	})
}

// A row that is pending although the transform is complete is no mismatch: the
// transform goes on with it.
func TestI5CompleteIsTakenBackWhenAVerificationFindsPendingRows(t *testing.T) {
	t.Parallel()
	onEachDatabase(t, func(t *testing.T, d database) {
		for name, transform := range verifiables(d.open(t)) {
			db := newDBOn(t, d.kind, 250)
			in := start(t, db, quick(t), transform)
			first := in.untilState("x", bgtransform.StateComplete)
			exec(t, db, "INSERT INTO tracks (id, title, length, length_ms) VALUES (-5, 'late', 5, NULL)")
			v := in.verified("x", bgtransform.VerifyOptions{})
			if v.Clean() || v.Pending != 1 || v.Mismatches != 0 || v.Rows != 250 {
				t.Errorf("%s: %+v", name, v)
			}
			if got := in.found("x"); len(got) != 1 || got[0] != "-5 still pending " {
				t.Errorf("%s: %q", name, got)
			}
			st := in.until("x", "complete again", func(st bgtransform.Status) bool {
				return st.State == bgtransform.StateComplete && st.Completed.After(first.Completed)
			})
			if st.Rows != 251 || st.Run != first.Run || !st.Verified.IsZero() {
				t.Errorf("%s: %+v", name, st)
			}
			if v := in.verified("x", bgtransform.VerifyOptions{}); !v.Clean() || v.Rows != 251 {
				t.Errorf("%s: at last %+v", name, v)
			}
			in.stop()
		}
	})
}

// A transform that says so is verified when it becomes complete.
func TestVerifyByItself(t *testing.T) {
	t.Parallel()
	db := newDB(t, 250)
	r := toMS("x")
	r.Options.VerifySample = 1
	in := start(t, db, quick(t), r)
	st := in.until("x", "verified", func(st bgtransform.Status) bool { return !st.Verified.IsZero() })
	if st.State != bgtransform.StateComplete || st.Verify.Rows != 250 || st.Verify.By != "Options.VerifySample" {
		t.Errorf("%+v: %+v", st, st.Verify)
	}
}

// What cannot be verified is refused with what to add: by the instance that
// knows the code at once, else in the status.
func TestVerifyRefused(t *testing.T) {
	t.Parallel()
	whole, inPlace := toMS("a"), toMS("b")
	whole.Reads = nil
	inPlace.Reads = []string{"length", "length_ms"}
	for want, transform := range map[string]bgtransform.Transform{
		"Reads is nil":                   whole,
		`"length_ms" is in Reads and in`: inPlace,
		"Wrong is empty":                 toMSBySQL("c"),
		"does not implement":             custom{name: "d", step: emptyWalk},
	} {
		db := newDB(t, 3)
		in := start(t, db, quick(t), transform)
		name := transform.Definition().Name
		in.untilState(name, bgtransform.StateComplete)
		by := bgtransform.By{Who: "ann"}
		if err := in.Control().Verify(t.Context(), name, bgtransform.VerifyOptions{}, by); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", name, err, want)
		}
		outside, err := bgtransform.NewControl(db)
		must(t, err)
		must(t, outside.Verify(t.Context(), name, bgtransform.VerifyOptions{}, by))
		v := in.verifiedAlready(name)
		if v.State != bgtransform.VerifyFailed || !strings.Contains(v.Reason, want) || v.Clean() {
			t.Errorf("%s: %+v, want failed because %q", name, v, want)
		}
		in.untilState(name, bgtransform.StateComplete)
	}
	in := start(t, newDB(t, 0), quick(t), toMS("x"))
	in.untilState("x", bgtransform.StateComplete)
	for _, share := range []float64{-1, 0.00001, 1.5} {
		if err := in.Control().Verify(t.Context(), "x", bgtransform.VerifyOptions{Sample: share}, bgtransform.By{Who: "ann"}); err == nil {
			t.Errorf("a sample of %v was not refused", share)
		}
	}
	s, err := bgtransform.New(newDB(t, 0), quick(t))
	must(t, err)
	bad := toMSBySQL("x")
	bad.Options.VerifySample = 0.5
	if err := s.Register(bad); err == nil || !strings.Contains(err.Error(), "Options.VerifySample") {
		t.Errorf("Register: %v, want it refused", err)
	}
}

func emptyWalk(context.Context, bgtransform.Request) (bgtransform.Step, error) {
	return bgtransform.Step{Last: true}, nil
}

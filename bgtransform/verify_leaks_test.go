package bgtransform_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/bgtransform/sidecar/bgtransform"
)

// A verification finds every class of mismatch, with errors that quote the rows:
// neither values nor keys reach the log, the status, the observers, spans or
// metrics, and the list of mismatches holds the keys, for operators, and no value.
func TestI8VerificationLeaksNothing(t *testing.T) {
	t.Parallel()
	db := newDB(t, 0)
	exec(t, db, "CREATE TABLE people (email TEXT PRIMARY KEY, name TEXT, upper TEXT CHECK (upper NOT LIKE '%REFUSED%'))")
	for i, name := range []string{"fine", "wrong", "failing", "panicking", "varying", "late", "refused"} {
		exec(t, db, "INSERT INTO people VALUES (?, ?, NULL)", fmt.Sprintf("%s-%d@example.org", secret, i), "s3cr3t-value "+strings.TrimSuffix(name, "refused"))
	}
	var later atomic.Bool
	var turn atomic.Int64
	r := bgtransform.Rows[Person]{
		Name: "upper", Pending: "upper IS NULL", Reads: []string{"name"}, Writes: []string{"upper"},
		Each: func(_ context.Context, p *Person) error {
			up := strings.ToUpper(p.Name)
			switch {
			case strings.HasSuffix(p.Name, "failing") && later.Load():
				return fmt.Errorf("cannot do %q: %w", p.Name, errors.New(p.Email))
			case strings.HasSuffix(p.Name, "panicking") && later.Load():
				panic("cannot do " + p.Name)
			case strings.HasSuffix(p.Name, "varying"):
				up += fmt.Sprint(turn.Add(1))
			}
			p.Upper = &up
			return nil
		},
	}
	cfg := quick(t)
	heard := listen(&cfg)
	in := start(t, db, cfg, r)
	in.untilState("upper", bgtransform.StateComplete)
	later.Store(true)
	exec(t, db, "UPDATE people SET upper = 's3cr3t-other' WHERE name LIKE '%wrong'")
	exec(t, db, "UPDATE people SET name = name || 'refused' WHERE email LIKE '%-6@%'")
	exec(t, db, "UPDATE people SET upper = NULL WHERE name LIKE '%late'")
	v := in.verified("upper", bgtransform.VerifyOptions{Repair: true})
	if v.Mismatches != 3 || v.Repaired != 1 || v.Unchecked != 2 || v.Pending != 1 {
		t.Fatalf("%+v: %q", v, in.found("upper"))
	}
	st := in.untilState("upper", bgtransform.StateComplete)
	in.stop()

	heard.wantNoSecret(t, fmt.Sprintf("%+v %+v", st, *st.Verify))
	rows, err := in.Control().Mismatches(t.Context(), "upper", 10)
	must(t, err)
	text := strings.ToLower(fmt.Sprintf("%+v", rows))
	if len(rows) != 6 || strings.Count(text, secret+"-") != 6 || strings.Contains(text, "-value") || strings.Contains(text, "-other") {
		t.Errorf("the mismatches are to hold six keys and no value: %s", text)
	}
}

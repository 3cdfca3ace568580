package bgtransform_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform"
)

// Person has a key and values that must not be told.
type Person struct {
	bun.BaseModel `bun:"table:people,alias:person"`

	Email string  `bun:"email,pk"`
	Name  string  `bun:"name"`
	Upper *string `bun:"upper"`
}

const secret = "s3cr3t"

// Rows fail in every way there is, with errors that quote them: neither values
// nor keys reach the log, the status, the observers, spans or metrics.
func TestI8NothingLeaks(t *testing.T) {
	t.Parallel()
	db := newDB(t, 0)
	exec(t, db, "CREATE TABLE people (email TEXT PRIMARY KEY, name TEXT, upper TEXT CHECK (upper NOT LIKE '%REFUSED%'))")
	exec(t, db, "CREATE TRIGGER picky BEFORE UPDATE ON people WHEN new.upper LIKE '%RAISE%' BEGIN SELECT RAISE(ABORT, 'no: s3cr3t raise'); END")
	for i, name := range []string{"fine", "error", "panic", "refused", "raise"} {
		exec(t, db, "INSERT INTO people VALUES (?, ?, NULL)", fmt.Sprintf("%s-%d@example.org", secret, i), secret+" "+name)
	}
	r := bgtransform.Rows[Person]{
		Name: "upper", Pending: "upper IS NULL", Reads: []string{"name"}, Writes: []string{"upper"},
		Each: func(_ context.Context, p *Person) error {
			up := strings.ToUpper(p.Name)
			p.Upper = &up
			switch {
			case strings.HasSuffix(p.Name, "error"):
				return fmt.Errorf("cannot do %q: %w", p.Name, errors.New(p.Email))
			case strings.HasSuffix(p.Name, "panic"):
				panic("cannot do " + p.Name)
			}
			return nil
		},
	}
	cfg := quick(t)
	heard := listen(&cfg)
	crash := custom{name: "crash", step: func(context.Context, bgtransform.Request) (bgtransform.Step, error) {
		return bgtransform.Step{}, errors.New("no luck with " + secret)
	}}
	cfg.Concurrency = 2
	in := start(t, db, cfg, r, crash)
	st := in.untilReason("upper", bgtransform.ReasonQuarantine)
	if st.Quarantined != 4 || st.Rows != 1 {
		t.Fatalf("got %+v, want 4 rows in quarantine", st)
	}
	failed := in.untilState("crash", bgtransform.StateFailed)
	in.stop()

	heard.wantNoSecret(t, fmt.Sprintf("%+v %+v", st, failed))
	for _, end := range heard.batches.all() {
		if end.Err != nil && strings.Contains(end.Err.Error(), secret) {
			t.Errorf("a batch's error tells a secret: %v", end.Err)
		}
	}
	// Operators who ask for it see everything.
	rows, err := in.Control().Quarantined(t.Context(), "upper", 10)
	must(t, err)
	if text := fmt.Sprintf("%+v", rows); strings.Count(text, secret) < 8 {
		t.Errorf("the quarantine does not tell keys and messages: %s", text)
	}
}

package bgtransform_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform"
)

// With a watermark, what the app has changed since is pending, and what is wrong
// all the same is repaired, without a touch of the marks.
func TestVerifyWithAWatermark(t *testing.T) {
	t.Parallel()
	onEachDatabase(t, func(t *testing.T, d database) {
		rows := countWords("x")
		byWrong := rows
		byWrong.Wrong = "(body <> '' AND words < 1) OR words > 40"
		sql := bgtransform.SQL[Page]{Name: "x", Set: "words = length(body)", Wrong: "words <> length(body)", Watermark: byWatermark()}
		for name, transform := range map[string]bgtransform.Transform{"rows": rows, "rows by wrong": byWrong, "sql": sql} {
			db := newDatabase(t, d.kind).open(t)
			newPages(t, db, 250)
			in := start(t, db, quick(t), transform)
			done := in.untilState("x", bgtransform.StateComplete)
			exec(t, db, "UPDATE pages SET words = 99 WHERE id IN (7, 11)") // 11 was never changed before
			exec(t, db, "UPDATE pages SET counted = '2024-02-03 04:05:06' WHERE id = 11")
			marks := snapshot(t, db, "SELECT id, changed, counted FROM pages")
			edit(t, db, 203, "two words", time.Now().UTC().Truncate(time.Microsecond))
			v := in.verified("x", bgtransform.VerifyOptions{Repair: true})
			if v.Rows != 249 || v.Mismatches != 2 || v.Repaired != 2 || v.Pending != 1 || v.Unchecked != 0 {
				t.Errorf("%s: %+v: %q", name, v, in.found("x"))
			}
			in.until("x", "complete again", func(st bgtransform.Status) bool {
				return st.State == bgtransform.StateComplete && st.Completed.After(done.Completed)
			})
			if name != "sql" {
				wantCounted(t, db)
			}
			if v := in.verified("x", bgtransform.VerifyOptions{}); !v.Clean() || v.Rows != 250 {
				t.Errorf("%s: at last %+v", name, v)
			}
			after := snapshot(t, db, "SELECT id, changed, counted FROM pages")
			delete(after, "203")
			delete(marks, "203")
			if diff := cmp.Diff(marks, after); diff != "" {
				t.Errorf("%s: the repair has touched marks (-want +got):\n%s", name, diff)
			}
			in.stop()
		}
	})
}

// What the rows do not show cannot be verified.
func TestVerifiable(t *testing.T) {
	t.Parallel()
	db := newDB(t, 0)
	elsewhere := countWords("x")
	elsewhere.Writes = nil
	marked := toMS("x")
	marked.Processed = bgtransform.ProcessedInDatabase()
	marked.Wrong = wrongMS(db)
	for want, v := range map[string]bgtransform.Verifier{"Writes is empty": elsewhere, "a set keeps what is done": marked} {
		if err := v.Verifiable(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
		if _, err := v.OpenVerify(t.Context(), db, bgtransform.VerifyRequest{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("OpenVerify: %v, want %q", err, want)
		}
	}
	elsewhere.Wrong = "words < 0"
	for _, v := range []bgtransform.Verifier{elsewhere, countWords("x"), toMS("x")} {
		if err := v.Verifiable(); err != nil {
			t.Error(err)
		}
	}
}

// Code that writes nothing to the row itself repairs what its condition sees.
func TestVerifyRepairsElsewhere(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, db *bun.DB) {
		newPages(t, db, 30)
		exec(t, db, "CREATE TABLE counts (page bigint PRIMARY KEY, words bigint)")
		r := countWords("x")
		r.Writes, r.Wrong = nil, "NOT EXISTS (SELECT 1 FROM counts WHERE counts.page = page.id)"
		r.Each = func(_ context.Context, p *Page) error {
			_, err := db.NewRaw("INSERT INTO counts VALUES (?, ?)", p.ID, len(strings.Fields(p.Body))).Exec(t.Context())
			return err
		}
		cfg := quick(t)
		cfg.LeaseTTL = time.Minute // no batch is tried twice, however slow the machine is
		in := start(t, db, cfg, r)
		in.untilState("x", bgtransform.StateComplete)
		exec(t, db, "DELETE FROM counts WHERE page IN (3, 4)")
		if v := in.verified("x", bgtransform.VerifyOptions{Repair: true}); !v.Clean() || v.Mismatches != 2 || v.Repaired != 2 {
			t.Errorf("%+v: %q", v, in.found("x"))
		}
		if n := count(t, db, "SELECT count(*) FROM counts"); n != 30 {
			t.Errorf("%d of 30 pages are counted", n)
		}
	})
}

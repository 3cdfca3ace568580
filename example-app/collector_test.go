package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform"
	"github.com/bgtransform/sidecar/internal/collectortest"
	"github.com/bgtransform/sidecar/telemetry"
)

// confidential stands for what users have put into the table.
const confidential = "Confidential Title"

// TestTelemetryArrives is the app in a process of its own that exports everything to
// the OpenTelemetry Collector's own receiver, by both protocols, through the life of a
// transform: a row that the database refuses, an operator's retry, a verification.
func TestTelemetryArrives(t *testing.T) {
	t.Parallel()
	collector := collectortest.Start(t)
	for _, protocol := range []string{collectortest.HTTP, collectortest.GRPC} {
		t.Run(protocol, func(t *testing.T) {
			t.Parallel()
			got := exportedLife(t, collector, protocol)
			t.Run("spans", func(t *testing.T) { wantSpans(t, got) })
			t.Run("metrics", func(t *testing.T) { wantMetrics(t, got) })
			t.Run("logs", func(t *testing.T) { wantLogs(t, got) })
			t.Run("privacy", func(t *testing.T) {
				for _, secret := range []string{confidential, "Secret Artist", "track 7"} {
					if strings.Contains(got.Raw, secret) {
						t.Errorf("%q, which is in a row, was exported", secret)
					}
				}
			})
		})
	}
}

// exportedLife lets a transform live, and returns all that was received of it.
func exportedLife(t *testing.T, collector *collectortest.Collector, protocol string) collectortest.Received {
	t.Helper()
	path := newDatabase(t, "-tracks", "3000")
	db := openTest(t, path)
	mustExec(t, db, "UPDATE tracks SET title = '"+confidential+"', artist = 'Secret Artist' WHERE id = 700")
	mustExec(t, db, `CREATE TRIGGER refusal BEFORE UPDATE OF length_ms ON tracks WHEN NEW.id = 700
		BEGIN SELECT RAISE(ABORT, '`+confidential+` must not change'); END`)
	env := append(collector.Environ(protocol), "LOG_LEVEL=debug", "BGTRANSFORM_BATCH_MAX=500", "INSTANCE=web-1")
	p := startOn(t, path, env, "-traffic=false")
	eventually(t, "the quarantine blocks completion", func() bool {
		return p.status(t).Reason.Code == bgtransform.ReasonQuarantine
	})
	gauge := func(name, key, value string, want float64) func(collectortest.Received) bool {
		return func(got collectortest.Received) bool {
			for _, point := range got.Metrics[name].Points {
				if (key == "" || point.Attributes[key] == value) && point.Value == want {
					return true
				}
			}
			return false
		}
	}
	collector.Wait(t, protocol, "the quarantine", gauge("bgtransform.quarantine", "", "", 1))
	collector.Wait(t, protocol, "the reason", gauge("bgtransform.reason", "bgtransform.reason", "quarantine", 1))

	mustExec(t, db, "DROP TRIGGER refusal")
	control, err := bgtransform.NewControl(db)
	if err != nil {
		t.Fatal(err)
	}
	ann := bgtransform.By{Who: "ann", Why: "the trigger is gone"}
	if err := control.Retry(t.Context(), moveName, ann); err != nil {
		t.Fatal(err)
	}
	p.reaches(t, bgtransform.StateComplete)
	if err := control.Verify(t.Context(), moveName, bgtransform.VerifyOptions{}, ann); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it is verified", func() bool { return !p.status(t).Verified.IsZero() })
	return collector.Wait(t, protocol, "all of it", func(got collectortest.Received) bool {
		ends := len(got.Named("bgtransform.attempt.end"))
		return ends > 0 && len(got.Named("bgtransform.lease")) == ends && len(got.Named("bgtransform.attempt")) == ends &&
			len(got.Named("bgtransform.verify.batch")) > 0 &&
			gauge("bgtransform.verified", "", "", 1)(got) && gauge("bgtransform.lease.held", "", "", 0)(got) &&
			gauge("bgtransform.rows", "bgtransform.outcome", "checked", 3000)(got)
	})
}

func mustExec(t *testing.T, db *bun.DB, statement string) {
	t.Helper()
	if _, err := db.ExecContext(t.Context(), statement); err != nil {
		t.Fatal(err)
	}
}

// wantSpans checks the tree of spans that the documentation of telemetry draws.
func wantSpans(t *testing.T, got collectortest.Received) {
	runs := got.Named("bgtransform.run")
	if len(runs) != 1 {
		t.Fatalf("got %d runs, want 1 in %s", len(runs), got)
	}
	run, attempts := runs[0], map[any]collectortest.Span{}
	traces := map[string]bool{}
	for _, s := range got.Spans {
		if s.Scope != telemetry.ScopeName || s.ScopeVersion != telemetry.Version || s.Resource["service.name"] != "example-app" || s.Resource["service.instance.id"] != "web-1" {
			t.Errorf("%s: scope %s %s, resource %v", s.Name, s.Scope, s.ScopeVersion, s.Resource)
		}
		if traces[s.TraceID] || s.ParentSpanID != "" || len(s.Events) != 0 {
			t.Errorf("%s is not the root of a trace of its own, or has events %v", s.Name, s.Events)
		}
		traces[s.TraceID] = true
		if s.Attributes["bgtransform.transform"] != moveName || s.Attributes["bgtransform.run"] != int64(1) {
			t.Errorf("%s: attributes %v", s.Name, s.Attributes)
		}
		if s.Name == "bgtransform.attempt" {
			attempts[s.Attributes["bgtransform.attempt"]] = s
		}
	}
	last := map[any]collectortest.Span{}
	var batches []collectortest.Span
	for _, name := range []string{"bgtransform.batch", "bgtransform.verify.batch"} {
		batches = append(batches, got.Named(name)...)
	}
	slices.SortFunc(batches, func(a, b collectortest.Span) int { return a.Start.Compare(b.Start) })
	outcomes, committed := map[any]int{}, map[string]map[any]bool{} // of batches; attempts by the name of their batches
	for _, s := range batches {
		number := s.Attributes["bgtransform.attempt"]
		want := []string{run.SpanID}
		if before, ok := last[number]; ok {
			want = append(want, before.SpanID)
		}
		last[number] = s
		if diff := cmp.Diff(want, s.Links); diff != "" {
			t.Errorf("links of batch %v (-want +got):\n%s", s.Attributes["bgtransform.batch"], diff)
		}
		outcome := s.Attributes["bgtransform.outcome"]
		if outcomes[outcome]++; outcome == "committed" {
			if committed[s.Name] == nil {
				committed[s.Name] = map[any]bool{}
			}
			committed[s.Name][number] = true
		}
		wantBatch(t, s)
	}
	// The first batch of each attempt has a span, and ten a second of the others: the
	// first attempt, the one that retries, and the verification.
	if len(committed["bgtransform.batch"]) < 2 || len(committed["bgtransform.verify.batch"]) < 1 || outcomes["failed"] == 0 {
		t.Errorf("got outcomes of batches %v, and committed ones of the attempts %v; want two attempts, a verification and a failed one at least", outcomes, committed)
	}
	for _, name := range []string{"bgtransform.attempt.end", "bgtransform.lease"} {
		for _, s := range got.Named(name) {
			attempt := attempts[s.Attributes["bgtransform.attempt"]]
			if diff := cmp.Diff([]string{run.SpanID, attempt.SpanID}, s.Links); diff != "" {
				t.Errorf("links of %s (-want +got):\n%s", name, diff)
			}
			if failed := s.Attributes["error.type"] != nil; failed != (s.Status == "Error") || s.Attributes["bgtransform.event"] == "lost" && !failed {
				t.Errorf("%s has status %s %q and attributes %v", name, s.Status, s.StatusText, s.Attributes)
			}
		}
	}
}

// wantBatch checks what is on the span of one batch.
func wantBatch(t *testing.T, s collectortest.Span) {
	took := s.End.Sub(s.Start)
	if took <= 0 || took > time.Minute {
		t.Errorf("%s took %s", s.Name, took)
	}
	switch s.Attributes["bgtransform.outcome"] {
	case "failed":
		if s.Status != "Error" || s.StatusText == "" || s.Attributes["error.type"] == nil || s.Attributes["bgtransform.keys"] != nil {
			t.Errorf("a failed batch has status %s %q and attributes %v", s.Status, s.StatusText, s.Attributes)
		}
		return
	case "interrupted": // on a machine so slow that the lease was lost
		if s.Status != "Unset" || s.Attributes["error.type"] != nil || s.Attributes["bgtransform.keys"] != nil {
			t.Errorf("an interrupted batch has status %s %q and attributes %v", s.Status, s.StatusText, s.Attributes)
		}
		return
	}
	counts := []string{"keys", "found", "changed", "moved", "quarantined", "pass", "batch", "limit"}
	mode := "transform"
	if s.Name == "bgtransform.verify.batch" {
		mode, counts = "verify", append(counts, "checked", "mismatched")
	}
	for _, name := range counts {
		if _, ok := s.Attributes["bgtransform."+name].(int64); !ok {
			t.Errorf("%s has bgtransform.%s = %v, want a number", s.Name, name, s.Attributes["bgtransform."+name])
		}
	}
	if s.Status != "Unset" || s.Attributes["bgtransform.mode"] != mode || s.Attributes["error.type"] != nil {
		t.Errorf("%s has status %s and attributes %v", s.Name, s.Status, s.Attributes)
	}
	seconds := fmt.Sprintf("%T %T", s.Attributes["bgtransform.read_seconds"], s.Attributes["bgtransform.write_seconds"])
	if seconds != "float64 float64" {
		t.Errorf("%s: the times are %s, want seconds", s.Name, seconds)
	}
}

// wantMetrics checks units, kinds and values, and that exemplars lead to batches.
func wantMetrics(t *testing.T, got collectortest.Received) {
	type kind struct{ Kind, Unit string }
	want := map[string]kind{
		"rows": {"sum", "{row}"}, "keys": {"sum", "{key}"}, "batch.duration": {"histogram", "s"}, "batch.size": {"histogram", "{key}"},
		"attempts": {"sum", "{attempt}"}, "attempt.ends": {"sum", "{attempt}"}, "lease.events": {"sum", "{event}"}, "lease.held": {"sum", "{lease}"},
		"waits": {"sum", "{wait}"}, "wait.duration": {"histogram", "s"},
		"state": {"gauge", "{transform}"}, "reason": {"gauge", "{transform}"}, "progress": {"gauge", "1"}, "quarantine": {"gauge", "{row}"},
		"verified": {"gauge", "{transform}"}, "stuck": {"gauge", "{transform}"}, "pool": {"gauge", "{instance}"},
		"dualread.fallbacks": {"sum", "{read}"}, "dualread.missing": {"sum", "{read}"}, "dualread.compared": {"sum", "{read}"}, "dualread.mismatches": {"sum", "{read}"},
		"remaining": {"gauge", "{row}"}, "rate": {"gauge", "{row}/s"},
	}
	kinds := map[string]kind{}
	for name, m := range got.Metrics {
		if short, ours := strings.CutPrefix(name, "bgtransform."); ours && name != "bgtransform.finish.time" { // which only a longer run has
			kinds[short] = kind{m.Kind, m.Unit}
		}
	}
	if diff := cmp.Diff(want, kinds); diff != "" {
		t.Errorf("metrics (-want +got):\n%s", diff)
	}
	for name, m := range got.Metrics {
		if strings.HasPrefix(name, "bgtransform.") && (m.Description == "" || m.Kind == "sum" && m.Monotonic == (name == "bgtransform.lease.held")) {
			t.Errorf("%s: description %q, monotonic: %t", name, m.Description, m.Monotonic)
		}
	}
	rows := map[any]float64{}
	for _, p := range got.Metrics["bgtransform.rows"].Points {
		rows[p.Attributes["bgtransform.outcome"]] = p.Value
	}
	wantRows := map[any]float64{"changed": 3000, "moved": 0, "quarantined": 0, "checked": 3000, "mismatched": 0, "repaired": 0}
	delete(rows, "quarantined") // the refused row is counted where it is, not as a batch's
	delete(wantRows, "quarantined")
	if diff := cmp.Diff(wantRows, rows); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
	batches := map[string]bool{}
	for _, s := range got.Spans {
		batches[s.TraceID] = strings.HasSuffix(s.Name, "batch")
	}
	exemplars := 0
	for _, p := range got.Metrics["bgtransform.batch.duration"].Points {
		for _, id := range p.Exemplars {
			exemplars++
			if !batches[id] {
				t.Errorf("an exemplar of batch.duration names the trace %s, which is no batch's", id)
			}
		}
	}
	if exemplars == 0 {
		t.Error("batch.duration has no exemplar")
	}
}

// wantLogs checks that what was logged in a batch, or of an attempt, is in its trace;
// and in that of the attempt, if the batch is one of many and has no span.
func wantLogs(t *testing.T, got collectortest.Received) {
	spans := map[string]string{}
	for _, s := range got.Spans {
		spans[s.TraceID+s.SpanID] = s.Name
	}
	in := map[string]map[string]int{} // message, span
	for _, l := range got.Logs {
		if in[l.Body] == nil {
			in[l.Body] = map[string]int{}
		}
		in[l.Body][strings.TrimPrefix(spans[l.TraceID+l.SpanID], "bgtransform.")]++
	}
	for body, want := range map[string][]string{
		"bgtransform: batch":    {"batch", "verify.batch", "attempt"},
		"bgtransform: running":  {"attempt"},
		"bgtransform: complete": {"attempt"},
	} {
		if in[body][want[0]] == 0 {
			t.Errorf("no log %q is in a span of %s, but in %v", body, want[0], in[body])
		}
		for span := range in[body] {
			if !slices.Contains(want, span) && (span != "" || body == "bgtransform: batch") {
				t.Errorf("the log %q is in the span %q, want one of %v", body, span, want)
			}
		}
	}
}

package telemetry_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/bgtransform/sidecar/bgtransform"
)

// linked returns the ids of the spans that s is linked to.
func linked(s sdktrace.ReadOnlySpan) []string {
	var ids []string
	for _, l := range s.Links() {
		ids = append(ids, l.SpanContext.SpanID().String())
	}
	return ids
}

func id(s sdktrace.ReadOnlySpan) string { return s.SpanContext().SpanID().String() }

func TestRunStart(t *testing.T) {
	t.Parallel()

	t.Run("the first attempt makes the run's span and returns its traceparent", func(t *testing.T) {
		t.Parallel()
		h := newHarness()
		_, link := h.begin(t.Context())

		run, attempt := h.only(t, "bgtransform.run"), h.only(t, "bgtransform.attempt")
		sc := run.SpanContext()
		if want := "00-" + sc.TraceID().String() + "-" + sc.SpanID().String() + "-01"; link != want {
			t.Errorf("got link %q, want %q", link, want)
		}
		if diff := cmp.Diff([]string{id(run)}, linked(attempt)); diff != "" {
			t.Errorf("links of the attempt (-want +got):\n%s", diff)
		}
		want := map[string]any{
			"bgtransform.transform": transform, "bgtransform.run": int64(3),
			"bgtransform.attempt": int64(7), "bgtransform.mode": "transform", "bgtransform.instance": "web-1",
		}
		if diff := cmp.Diff(want, attributes(attempt)); diff != "" {
			t.Errorf("attributes of the attempt (-want +got):\n%s", diff)
		}
	})

	t.Run("a later attempt on another instance joins the run by its link", func(t *testing.T) {
		t.Parallel()
		first, second := newHarness(), newHarness()
		_, link := first.begin(t.Context())
		ctx, again := second.RunStart(t.Context(), bgtransform.RunStartInfo{RunID: runID(8), Link: link})
		second.batch(ctx, 1, bgtransform.BatchResult{}, nil)

		if again != link {
			t.Errorf("got link %q, want the same as before, %q", again, link)
		}
		if n := len(second.named("bgtransform.run")); n != 0 {
			t.Errorf("got %d run spans from a later attempt", n)
		}
		want := []string{id(first.only(t, "bgtransform.run"))}
		for _, name := range []string{"bgtransform.attempt", "bgtransform.batch"} {
			if diff := cmp.Diff(want, linked(second.only(t, name))); diff != "" {
				t.Errorf("links of %s (-want +got):\n%s", name, diff)
			}
		}
	})

	t.Run("the context holds no span of whatever started the scheduler", func(t *testing.T) {
		t.Parallel()
		h := newHarness()
		boot, span := h.tracers.Tracer("app").Start(t.Context(), "boot")
		defer span.End()
		ctx, _ := h.begin(boot)
		if sc := trace.SpanContextFromContext(ctx); sc.IsValid() {
			t.Errorf("got span %s in the context of the attempt, want none", sc.SpanID())
		}
		for _, s := range h.spans.Ended() {
			if s.Parent().IsValid() || s.SpanContext().TraceID() == span.SpanContext().TraceID() {
				t.Errorf("%s is in the trace of the boot", s.Name())
			}
		}
	})
}

func TestRunStartBadLink(t *testing.T) {
	t.Parallel()
	const zeros = "00-00000000000000000000000000000000-0000000000000000-01"
	for _, bad := range []string{"", "x", zeros, strings.Repeat("0", 500), "00-\x00\xff", "'; drop table track; --"} {
		h := newHarness()
		ctx, link := h.RunStart(t.Context(), bgtransform.RunStartInfo{RunID: runID(8), Link: bad})
		h.batch(ctx, 1, bgtransform.BatchResult{}, nil)

		attempt := h.only(t, "bgtransform.attempt")
		if len(attempt.Links()) != 0 || !strings.Contains(link, id(attempt)) {
			t.Errorf("link %q: got links %v and link %q, want none and the attempt's own", bad, linked(attempt), link)
		}
		if diff := cmp.Diff([]string{id(attempt)}, linked(h.only(t, "bgtransform.batch"))); diff != "" {
			t.Errorf("link %q: links of the batch (-want +got):\n%s", bad, diff)
		}
	}
}

func TestRunEnd(t *testing.T) {
	t.Parallel()
	h := newHarness()
	ctx, _ := h.begin(t.Context())
	h.RunEnd(ctx, bgtransform.RunEndInfo{
		RunID: runID(7), State: bgtransform.StateFailed,
		Reason: bgtransform.Reason{Code: bgtransform.ReasonError, Text: "said to people", Until: time.Now()},
		Err:    errors.New("no such column"),
	})

	end := h.only(t, "bgtransform.attempt.end")
	want := map[string]any{
		"bgtransform.transform": transform, "bgtransform.run": int64(3), "bgtransform.attempt": int64(7),
		"bgtransform.state": "failed", "bgtransform.reason": "error", "error.type": "*errors.errorString",
	}
	if diff := cmp.Diff(want, attributes(end)); diff != "" {
		t.Errorf("attributes (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(sdktrace.Status{Code: codes.Error, Description: "no such column"}, end.Status()); diff != "" {
		t.Errorf("status (-want +got):\n%s", diff)
	}
	ids := []string{id(h.only(t, "bgtransform.run")), id(h.only(t, "bgtransform.attempt"))}
	if diff := cmp.Diff(ids, linked(end)); diff != "" {
		t.Errorf("links (-want +got):\n%s", diff)
	}
	ends := map[string]float64{"bgtransform.reason=error,bgtransform.state=failed,bgtransform.transform=" + transform: 1}
	if diff := cmp.Diff(ends, h.series(t, "bgtransform.attempt.ends")); diff != "" {
		t.Errorf("attempt.ends (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]float64{key("", ""): 1}, h.series(t, "bgtransform.attempts")); diff != "" {
		t.Errorf("attempts (-want +got):\n%s", diff)
	}
}

func FuzzRunStartLink(f *testing.F) {
	f.Add("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
	f.Add("cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-what-the-future-holds")
	f.Add("00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01")
	f.Add("")
	f.Fuzz(func(t *testing.T, link string) {
		h := newHarness()
		_, got := h.RunStart(t.Context(), bgtransform.RunStartInfo{RunID: runID(8), Link: link})
		if len(got) != 55 {
			t.Fatalf("got link %q of %d bytes, want a traceparent", got, len(got))
		}
		if _, again := h.RunStart(t.Context(), bgtransform.RunStartInfo{RunID: runID(9), Link: got}); again != got {
			t.Fatalf("got link %q from %q, want it unchanged", again, got)
		}
	})
}

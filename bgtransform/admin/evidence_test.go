package admin_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/bgtransform/sidecar/bgtransform/admin"
)

// Somebody who leaves before the gate has answered spoils the answer for nobody.
func TestLeavingSpoilsNoEvidence(t *testing.T) {
	t.Parallel()
	ctx, leave := context.WithCancel(t.Context())
	h, _ := idle(t, newDB(t, 1, 0), admin.Gate(func(asked context.Context, _ string) error {
		if ctx.Err() == nil {
			leave()
			<-asked.Done()
		}
		return asked.Err()
	}))
	r := httptest.NewRequestWithContext(ctx, http.MethodGet, "/v1/transforms/"+move, nil)
	r.RemoteAddr, r.Host = "127.0.0.1:40000", "localhost"
	h.ServeHTTP(httptest.NewRecorder(), r)
	if got := get(t, h, "/v1/transforms/"+move).Body.String(); !strings.Contains(got, `"gate":{"open":true}`) || strings.Contains(got, "cancel") {
		t.Errorf("who comes next is told\n%s", got)
	}
}

// The gate is asked once for all who look, and again after an action, be it one that came
// while it was asked.
func TestGateIsAskedAgainAfterAnAction(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64
	var h *admin.Handler
	act := func() { _ = call("/v1/transforms/"+move+"/verify", "{}").send(t, h) }
	h, _ = idle(t, newDB(t, 1, 0), admin.Gate(func(context.Context, string) error {
		if asked.Add(1) == 1 {
			act()
		}
		return nil
	}))
	for _, want := range []int64{1, 2, 2} {
		_ = get(t, h, "/transforms/"+move)
		if got := asked.Load(); got != want {
			t.Fatalf("the gate was asked %d times, want %d", got, want)
		}
	}
	act()
	_ = get(t, h, "/transforms/"+move)
	if got := asked.Load(); got != 3 {
		t.Errorf("after an action the gate was asked %d times, want 3", got)
	}
}

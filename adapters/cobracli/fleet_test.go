package cobracli_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/bgtransform/sidecar/adapters/cobracli"
	"github.com/bgtransform/sidecar/bgtransform"
)

// Who was killed has not left.
func TestFleetTellsWhoFellSilentFromWhoLeft(t *testing.T) {
	t.Parallel()
	seen, gone := noon().Add(-40*time.Second), noon().Add(-3*time.Second)
	got := cobracli.FleetText([]bgtransform.PoolMember{
		{Instance: "web-1", Live: true, LastSeen: seen},
		{Instance: "web-2", LastSeen: seen, Gone: gone},
		{Instance: "web-3", LastSeen: seen, Gone: gone, Silent: true},
	}, atNoon())
	want := "web-1 is live, seen 40s ago\nweb-2 left 3s ago\nweb-3 is silent, seen 40s ago: it was killed, is frozen or cut off\n"
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("fleet (-want +got):\n%s", diff)
	}
}

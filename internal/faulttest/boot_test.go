package faulttest

import (
	"syscall"
	"testing"
	"time"

	"github.com/bgtransform/sidecar/bgtransform"
	"github.com/bgtransform/sidecar/internal/testserver"
)

// TestI6ServersDown starts an app while neither its database nor Redis answers,
// stops it again, and starts another one that finds both later.
func TestI6ServersDown(t *testing.T) {
	t.Parallel()
	for how, fault := range faults() {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			db := postgresOn(t, testserver.StartPostgres(t))
			seed(t, db, 200)
			server := testserver.StartRedis(t)
			lease := via(server.Addr())
			s := newStage(t, db)
			fault.begin(server.Server)
			fault.begin(db.server)
			app := s.start(lease)
			s.says(0, app, "ready")
			ends(t, s, app)
			app = s.start(lease)
			s.says(0, app, "ready")
			fault.end(db.server)
			saysWhy(t, db, bgtransform.ReasonLocker)
			fault.end(server.Server)
			complete(t, db)
			exactlyOnce(t, db, 200)
		})
	}
}

// TestI6ServersGoneAtShutdown takes both away in the middle of the work, and then
// stops the app: it ends, and the next one goes on where it was.
func TestI6ServersGoneAtShutdown(t *testing.T) {
	t.Parallel()
	for how, fault := range faults() {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			db := postgresOn(t, testserver.StartPostgres(t))
			seed(t, db, plenty)
			server := testserver.StartRedis(t)
			lease := via(server.Addr())
			s := newStage(t, db)
			app := s.start(lease)
			s.works(0)
			fault.begin(server.Server)
			fault.begin(db.server)
			ends(t, s, app)
			fault.end(server.Server)
			fault.end(db.server)
			s.finish(lease)
		})
	}
}

type fault struct{ begin, end func(*testserver.Server) }

// faults are how a server does not answer: nobody listens, or somebody listens and
// says nothing.
func faults() map[string]fault {
	return map[string]fault{
		"killed": {(*testserver.Server).Kill, (*testserver.Server).Start},
		"frozen": {(*testserver.Server).Freeze, (*testserver.Server).Thaw},
	}
}

// ends stops an app as a deploy does. Its grace is two seconds, and it may take
// some more for its last words.
func ends(t *testing.T, s *stage, app *process) {
	t.Helper()
	began := time.Now()
	app.signal(syscall.SIGTERM)
	if code := app.exit(); code != 0 {
		t.Errorf("exit code %d, want 0; %s", code, s.recent())
	}
	took := time.Since(began)
	t.Logf("it took %s to stop", took)
	if took > 30*time.Second {
		t.Errorf("it took %s to stop", took)
	}
}

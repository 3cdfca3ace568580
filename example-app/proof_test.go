package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform"
	"github.com/bgtransform/sidecar/bgtransform/store"
	"github.com/bgtransform/sidecar/internal/testserver"
)

// proofVariable says how many tracks TestProof moves. The full proof is
//
//	EXAMPLE_APP_PROOF_TRACKS=1000000 go test ./example-app -run TestProof/PostgreSQL -v -timeout 1h
const proofVariable = "EXAMPLE_APP_PROOF_TRACKS"

// TestProof runs three processes of the app, each behind proxies of its own, on one
// private database and one private Redis, with users in all of them. Whoever holds
// the transform is killed, stopped, frozen or cut off, over and over, until all is
// moved. Then every row must have been transformed once, no edit may be lost, no
// answer wrong, and no request failed but those that a fault explains.
func TestProof(t *testing.T) {
	t.Parallel()
	tracks := int64(6000)
	if text := os.Getenv(proofVariable); text != "" {
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil || n < 1000 {
			t.Fatalf("%s is %q; want a number from 1000", proofVariable, text)
		}
		tracks = n
	}
	for name, start := range map[string]func(t *testing.T) proofServer{"PostgreSQL": proofPostgres, "MariaDB": proofMariaDB} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			newProof(t, start(t), tracks).run(t)
		})
	}
}

// proof is one run of TestProof.
type proof struct {
	tracks  int64
	pace    int64         // rows a second: so that it takes long enough for many faults
	calm    time.Duration // at most, between two faults
	server  proofServer
	db      *bun.DB // past all proxies
	control *bgtransform.Control
	pool    []*member
	tally   faultTally
}

func newProof(t *testing.T, server proofServer, tracks int64) *proof {
	t.Helper()
	cat := newCatalogueOn(t, server.direct, seeds{Tracks: tracks})
	control, err := bgtransform.NewControl(cat.db)
	if err != nil {
		t.Fatal(err)
	}
	calm := min(max(800*time.Millisecond, time.Duration(tracks)*8*time.Microsecond), 8*time.Second)
	p := &proof{tracks: tracks, pace: max(1500, tracks/50), calm: calm, server: server, db: cat.db, control: control, tally: faultTally{}}
	if err := store.Create(t.Context(), p.db); err != nil { // what the audit looks at
		t.Fatal(err)
	}
	for _, statement := range server.audit {
		if _, err := p.db.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	redis := testserver.StartRedis(t)
	watcher := newAPI(t, cat).sched
	for range 3 {
		p.pool = append(p.pool, newMember(t, p, redis.Addr(), cat, watcher))
	}
	return p
}

func (p *proof) run(t *testing.T) {
	t.Helper()
	began := time.Now()
	for _, m := range p.pool {
		m.start(t)
	}
	for _, m := range p.pool {
		m.healthy(t)
		m.users.begin(t.Context())
	}
	p.faults(t)
	for _, m := range p.pool {
		m.users.end()
	}
	for _, m := range p.pool {
		m.process.reaches(t, bgtransform.StateComplete)
		m.process.signal(t, syscall.SIGTERM)
		if code := m.process.exit(t); code != 0 {
			t.Errorf("exit code %d, want 0", code)
		}
	}
	p.report(t, time.Since(began))
	p.audit(t)
	p.complaints(t)
}

// report prints what happened.
func (p *proof) report(t *testing.T, took time.Duration) {
	t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "%s tracks on %s, three processes, %d faults in %s\n", thousands(p.tracks), p.server.name, p.tally.total(), took.Round(time.Second))
	b.WriteString(p.tally.String())
	var reads, edits, added, failed int64
	for _, m := range p.pool {
		u := m.users.traffic
		reads, edits, added, failed = reads+u.reads.Load(), edits+u.edits.Load(), added+u.added.Load(), failed+u.failed.Load()
	}
	fmt.Fprintf(&b, "users read %s times, edited %s tracks and added %s; %s requests failed\n", thousands(reads), thousands(edits), thousands(added), thousands(failed))
	st := p.status(t)
	fmt.Fprintf(&b, "%s is %s: %s rows by the transform, %s by editors before it came; attempt %d, pass %d; %s",
		moveName, st.State, thousands(st.Rows), thousands(p.tracks-st.Rows), st.Attempt, st.Pass, truthOf(t.Context(), p.db, wrongBoth))
	t.Log(b.String())
}

func (p *proof) status(t *testing.T) bgtransform.Status {
	t.Helper()
	all, err := p.control.Status(t.Context(), moveName)
	if err != nil {
		t.Fatal(err)
	}
	return all[0]
}

// complaints fails for each answer that was wrong, and each request that failed
// without a fault to explain it.
func (p *proof) complaints(t *testing.T) {
	t.Helper()
	for i, m := range p.pool {
		u := m.users.traffic
		if u.reads.Load() == 0 || u.edits.Load() == 0 {
			t.Errorf("process %d: users read %d times and edited %d tracks; there was no traffic", i+1, u.reads.Load(), u.edits.Load())
		}
		if u.wrong.Load() != 0 {
			t.Errorf("process %d: %d wrong answers; for example: %s", i+1, u.wrong.Load(), *u.example.Load())
		}
		failures := m.users.failures()
		if int64(len(failures)) != u.failed.Load() {
			t.Errorf("process %d: users saw %d failures, %d of them of requests; want the same", i+1, u.failed.Load(), len(failures))
		}
		for _, f := range failures {
			if !m.explains(f) {
				t.Errorf("process %d: a request failed from %s to %s without a fault: %s", i+1, clockMS(f.from), clockMS(f.to), f.text)
			}
		}
	}
}

func clockMS(at time.Time) string { return at.Format("15:04:05.000") }

package main

import (
	"math/rand/v2"
	"os"
	"syscall"
	"testing"
	"time"
)

// TestKilledTenTimes kills the app at random moments: half of them while rows
// move, half of them at any moment after the start.
func TestKilledTenTimes(t *testing.T) {
	t.Parallel()
	const tracks = 20_000
	path := newDatabase(t, "-tracks", "20000")
	db := audit(t, path)
	pace := []string{"BGTRANSFORM_ROWS_PER_SECOND=6000", "BGTRANSFORM_BATCH_SIZE=150"}
	writes := func() int64 { return count(t, db, "SELECT count(*) FROM audit") }
	midway := 0
	for round := range 10 {
		p := startOn(t, path, pace, "-traffic=false")
		before := writes()
		if round%2 == 0 {
			eventually(t, "rows move", func() bool { return writes() > before })
			pause(rand.N(250 * time.Millisecond))
		} else {
			pause(rand.N(2500 * time.Millisecond))
		}
		p.signal(t, syscall.SIGKILL)
		p.exit(t)
		if n := writes(); n > before && n < tracks {
			midway++
		}
	}
	if midway < 5 {
		t.Errorf("%d of 10 kills came while rows moved, want at least 5", midway)
	}
	res := isComplete(t, startOn(t, path, nil, "-once", "-traffic=false"), tracks)
	if res.Attempts < 6 {
		t.Errorf("%d attempts, want at least 6: the kills cost some", res.Attempts)
	}
	exactlyOnce(t, db, tracks)
}

// TestInterrupt stops the app with Ctrl-C while rows move and users are served.
func TestInterrupt(t *testing.T) {
	t.Parallel()
	path := newDatabase(t, "-tracks", "20000")
	p := startOn(t, path, nil)
	p.moves(t, 2000)
	began := time.Now()
	p.signal(t, os.Interrupt)
	if code := p.exit(t); code != 0 {
		t.Errorf("exit code %d after Ctrl-C, want 0", code)
	}
	if took := time.Since(began); took > time.Second {
		t.Errorf("the app took %s to stop, want less than a second", took)
	}
	moved := count(t, openTest(t, path), "SELECT count(*) FROM tracks WHERE length_ms IS NOT NULL")
	if moved < 2000 || moved >= 20_000 {
		t.Errorf("%d rows are moved, want some", moved)
	}
	res := isComplete(t, startOn(t, path, nil, "-once"), -1)
	if res.Attempts != 2 || res.Rows < moved/2 {
		t.Errorf("result %+v; want a second attempt that goes on after the %d rows of the first", res, moved)
	}
}

// TestInterruptOnce gives -once up: that is no success.
func TestInterruptOnce(t *testing.T) {
	t.Parallel()
	path := newDatabase(t, "-tracks", "20000")
	p := startOn(t, path, nil, "-once", "-traffic=false")
	p.moves(t, 1000)
	began := time.Now()
	p.signal(t, os.Interrupt)
	code, res := p.exit(t), p.result(t)
	if code != 1 || res.Status != "waiting" || res.Remaining == 0 || res.Wrong > 0 {
		t.Errorf("exit code %d, result %+v; want 1 and rows remaining, or -1 where there was no time to count", code, res)
	}
	if took := time.Since(began); took > time.Second {
		t.Errorf("the app took %s to stop, want less than a second", took)
	}
}

// TestIdleInterrupt stops an app that has nothing to do any more.
func TestIdleInterrupt(t *testing.T) {
	t.Parallel()
	path := newDatabase(t, "-tracks", "100")
	p := startOn(t, path, nil)
	p.says(t, "goes on serving until Ctrl-C")
	if code, _ := p.get(t, "/tracks/42", nil); code != 200 {
		t.Errorf("GET /tracks/42 after completion = %d, want 200", code)
	}
	began := time.Now()
	p.signal(t, os.Interrupt)
	if code, took := p.exit(t), time.Since(began); code != 0 || took > time.Second {
		t.Errorf("exit code %d after %s, want 0 within a second", code, took)
	}
}

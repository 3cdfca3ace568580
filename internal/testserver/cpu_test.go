package testserver_test

import (
	"runtime"
	"testing"
	"time"
)

// The processor time of a server grows while it works, and what was spent for
// clients that have left is not forgotten.
func TestCPUTime(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skipf("%s does not say what a process has spent", runtime.GOOS)
	}
	work := map[string]string{
		"pgx":   "SELECT sha256(CAST(repeat('x', 1000000) AS bytea))",
		"mysql": "SELECT sha2(repeat('x', 1000000), 256)",
	}
	eachSQL(t, func(t *testing.T, k sqlKind) {
		s := k.start(t)
		db := open(t, k.driver, s.Database(t))
		before := s.CPUTime()
		for deadline := time.Now().Add(time.Minute); s.CPUTime() < before+50*time.Millisecond; {
			execute(t, db, work[k.driver])
			if time.Now().After(deadline) {
				t.Fatalf("%s after %s, although it has worked for a minute", s.CPUTime(), before)
			}
		}
		worked := s.CPUTime()
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		execute(t, open(t, k.driver, s.Database(t)), work[k.driver])
		if now := s.CPUTime(); now < worked {
			t.Errorf("%s, and %s before its clients left", now, worked)
		}
	})
}

package testserver

import (
	"os/exec"
	"testing"
)

func TestFreezeAProcess(t *testing.T) {
	t.Parallel()
	if !onUnix {
		t.Skip("processes are frozen on Unix only")
	}
	busy := exec.Command("sh", "-c", "while :; do :; done")
	if err := busy.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = busy.Process.Kill()
		_ = busy.Wait()
	})
	Freeze(t, busy.Process.Pid)
	family, err := descent(busy.Process.Pid)
	if err != nil || len(family) != 1 || family[0].runs() {
		t.Errorf("frozen, it is %+v, %v", family, err)
	}
}

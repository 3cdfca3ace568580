package testserver

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func TestNewestProgramIsFound(t *testing.T) {
	t.Setenv("TEST_SERVERS", "")
	dir := t.TempDir()
	for _, version := range []string{"9.6", "15", "14"} {
		bin := filepath.Join(dir, version, "bin")
		if err := os.MkdirAll(bin, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(bin, "no-such-program"), nil, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	got, err := find("no-such-program", filepath.Join(dir, "*", "bin"))
	if want := filepath.Join(dir, "15", "bin", "no-such-program"); got != want || err != nil {
		t.Errorf("find = %s, %v, want %s", got, err, want)
	}
	if _, err := find("no-such-program"); !errors.Is(err, errMissing) {
		t.Errorf("find = %v, want %v", err, errMissing)
	}
}

func TestProgramsCanBeHidden(t *testing.T) {
	t.Setenv("TEST_SERVERS", "")
	if _, err := find("go"); err != nil {
		t.Fatal(err)
	}
	t.Setenv("TEST_SERVERS", "none")
	if path, err := find("go"); !errors.Is(err, errMissing) {
		t.Errorf("find = %s, %v, want %v", path, err, errMissing)
	}
}

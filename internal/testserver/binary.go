package testserver

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"testing"
)

// errMissing says that a program is not installed on this machine.
var errMissing = errors.New("not installed")

// hide is the variable that, set to "none", hides the machine's programs: the tests
// run as on a machine with nothing but Go.
const hide = "TEST_SERVERS"

// find returns the path of a program. It looks in PATH first, then in the
// directories that match the globs, those with higher version numbers first.
func find(program string, globs ...string) (string, error) {
	if os.Getenv(hide) == "none" {
		return "", fmt.Errorf("%s=none: %s counts as %w", hide, program, errMissing)
	}
	if !onUnix {
		return "", fmt.Errorf("servers are started on Unix only: %s is %w", program, errMissing)
	}
	if path, err := exec.LookPath(program); err == nil {
		return filepath.Abs(path)
	}
	var found []string
	for _, glob := range globs {
		matches, err := filepath.Glob(filepath.Join(glob, program))
		if err != nil {
			return "", err
		}
		found = append(found, matches...)
	}
	if len(found) == 0 {
		return "", fmt.Errorf("%s is %w", program, errMissing)
	}
	return slices.MaxFunc(found, func(a, b string) int { return cmp.Compare(version(a), version(b)) }), nil
}

var versionNumber = regexp.MustCompile(`[0-9]+(\.[0-9]+)?`)

// version returns the last number in a path, 0 if there is none.
func version(path string) (v float64) {
	for _, number := range versionNumber.FindAllString(path, -1) {
		v, _ = strconv.ParseFloat(number, 64) // it is one, that is why it was found
	}
	return v
}

// must fails a test that cannot go on after err. A program that is not installed
// skips it, unless CI=true: what a CI does not run, nobody runs.
func must(t testing.TB, doing string, err error) {
	t.Helper()
	switch {
	case err == nil:
	case errors.Is(err, errMissing) && os.Getenv("CI") != "true":
		t.Skipf("testserver: not tested on a real server: %s: %v", doing, err)
	default:
		t.Fatalf("testserver: %s: %v", doing, err)
	}
}

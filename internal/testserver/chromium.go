package testserver

import "testing"

// Chromium returns the path of the machine's browser, for tests that look at a page as
// people do. Starting it, and ending it, is theirs. Without one the test is skipped, but
// fails where CI=true.
func Chromium(t testing.TB) string {
	t.Helper()
	path, err := find("chromium")
	must(t, "look for a browser", err)
	return path
}

package near_test

import (
	"testing"

	"github.com/bgtransform/sidecar/bgtransform/internal/near"
)

func TestDistance(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		a, b string
		want int
	}{
		{"", "", 0},
		{"a", "a", 0},
		{"", "ab", 2},
		{"ab", "ba", 1},
		{"abc", "acb", 1},
		{"abc", "ab", 1},
		{"abc", "abd", 1},
		{"LENGHT", "LENGTH", 1},
		{"kitten", "sitting", 3},
		{"a", "abcdef", 3},
		{"abcd", "wxyz", 3},
	} {
		if got := near.Distance(test.a, test.b); got != min(test.want, near.Most+1) {
			t.Errorf("Distance(%q, %q) = %d, want %d", test.a, test.b, got, test.want)
		}
		if got := near.Distance(test.b, test.a); got != min(test.want, near.Most+1) {
			t.Errorf("Distance(%q, %q) = %d, want %d", test.b, test.a, got, test.want)
		}
	}
}

func TestName(t *testing.T) {
	t.Parallel()
	names := []string{"album-year", "track-length", "track-length-ms"}
	for name, want := range map[string]string{
		"track-length-ms": "track-length-ms", "track-lenght-ms": "track-length-ms", "track-length-m": "track-length-ms", "track": "", "": "",
	} {
		if got := near.Name(name, names); got != want {
			t.Errorf("%q is taken for %q, want %q", name, got, want)
		}
	}
}

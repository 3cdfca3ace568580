package near

import (
	"fmt"
	"slices"
	"strings"
)

// mostListed bounds how many names a hint lists.
const mostListed = 10

// Hint says which of the names was meant by one that is none of them, or which there are.
func Hint(name string, names []string) string {
	if meant := Name(strings.ToLower(name), names); meant != "" {
		return fmt.Sprintf("did you mean %q?", meant)
	}
	names = slices.Sorted(slices.Values(names))
	switch n := len(names); {
	case n == 0:
		return "there is none yet"
	case n > mostListed:
		return fmt.Sprintf("there are %s and %d more", strings.Join(names[:mostListed], ", "), n-mostListed)
	case n == 1:
		return "there is only " + names[0]
	default:
		return "there are " + strings.Join(names, ", ")
	}
}

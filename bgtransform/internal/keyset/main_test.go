package keyset_test

import (
	"flag"
	"fmt"
	"os"
	"testing"

	"github.com/bgtransform/sidecar/internal/testserver"
)

func TestMain(m *testing.M) {
	if raceEnabled { // -rapid.checks of the command line still counts
		if err := flag.Set("rapid.checks", "8"); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	os.Exit(testserver.Main(m))
}

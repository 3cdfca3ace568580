package dbfaulttest

import (
	"flag"
	"os"
	"testing"

	"github.com/bgtransform/sidecar/internal/testserver"
)

// atOnce is how many tests run side by side, unless -parallel says otherwise. Most of
// them wait most of the time: for a server that starts, a timeout, a lock.
const atOnce = "4"

func TestMain(m *testing.M) {
	flag.Parse()
	asked := false
	flag.Visit(func(f *flag.Flag) { asked = asked || f.Name == "test.parallel" })
	if !asked {
		_ = flag.Set("test.parallel", atOnce) // what testing itself has defined
	}
	os.Exit(testserver.Main(m))
}

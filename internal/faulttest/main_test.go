package faulttest

import (
	"flag"
	"os"
	"runtime"
	"strconv"
	"testing"

	"github.com/bgtransform/sidecar/internal/testserver"
)

// holderVariable holds the order of a process that is to be a holder, as JSON.
const holderVariable = "FAULTTEST_HOLDER"

func TestMain(m *testing.M) {
	if o, ok := os.LookupEnv(holderVariable); ok {
		os.Exit(hold(o))
	}
	// Half of what these tests do is wait: for a lease to end, for a server to come up.
	if err := flag.Set("test.parallel", strconv.Itoa(2*runtime.GOMAXPROCS(0))); err != nil {
		panic(err)
	}
	os.Exit(testserver.Main(m))
}

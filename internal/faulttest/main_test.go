package faulttest

import (
	"os"
	"testing"

	"github.com/bgtransform/sidecar/internal/testserver"
)

// holderVariable holds the order of a process that is to be a holder, as JSON.
const holderVariable = "FAULTTEST_HOLDER"

func TestMain(m *testing.M) {
	if o, ok := os.LookupEnv(holderVariable); ok {
		os.Exit(hold(o))
	}
	testserver.AtOnce(4)
	os.Exit(testserver.Main(m))
}

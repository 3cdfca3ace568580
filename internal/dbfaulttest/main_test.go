package dbfaulttest

import (
	"os"
	"testing"

	"github.com/bgtransform/sidecar/internal/testserver"
)

func TestMain(m *testing.M) {
	testserver.AtOnce(4)
	os.Exit(testserver.Main(m))
}

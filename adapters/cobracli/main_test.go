package cobracli_test

import (
	"os"
	"testing"

	"github.com/bgtransform/sidecar/internal/testserver"
)

func TestMain(m *testing.M) { os.Exit(testserver.Main(m)) }

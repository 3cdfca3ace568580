package redisfleet_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/bgtransform/sidecar/internal/testserver"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(testserver.Tests{M: m}) }

// Package collectortest starts a real OTLP receiver for tests, which is not ours: that of
// the OpenTelemetry Collector, over gRPC and HTTP, in a process of its own.
//
//	c := collectortest.Start(t)
//	… have an app export, with c.Environ(collectortest.GRPC) in its environment …
//	c.Wait(t, collectortest.GRPC, "the run", func(got collectortest.Received) bool {
//		return len(got.Named("bgtransform.run")) > 0
//	})
//
// It is built from the directory receiver, a Go module of its own, so that nobody who
// uses ours downloads the Collector. The first build on a machine takes about a minute,
// and needs the module proxy. Where it cannot be built the test is skipped with the
// reason, but fails where CI=true; TEST_SERVERS=none skips it without trying, as it
// skips the servers of package testserver.
package collectortest

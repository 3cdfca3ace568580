package telemetry

// ScopeName is the instrumentation scope of all spans and metrics: the import
// path of this package.
const ScopeName = "github.com/bgtransform/sidecar/telemetry"

// Version is the version of the instrumentation scope. It changes when spans,
// metrics or attributes do.
const Version = "0.1.0"

package setup

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
)

// The values of the variables that choose exporter and protocol.
const (
	exporterOTLP     = "otlp"
	exporterNone     = "none"
	protocolGRPC     = "grpc"
	protocolHTTP     = "http/protobuf"
	protocolHTTPJSON = "http/json"
)

// The variables that concern all signals.
const (
	varDisabled = "OTEL_SDK_DISABLED"
	varOTLP     = "OTEL_EXPORTER_OTLP_"
	varEndpoint = varOTLP + "ENDPOINT"
	varProtocol = varOTLP + "PROTOCOL"
)

// signal is traces, metrics or logs, as the names of variables spell it.
type signal string

const (
	traces  signal = "TRACES"
	metrics signal = "METRICS"
	logs    signal = "LOGS"
)

func (s signal) varExporter() string { return "OTEL_" + string(s) + "_EXPORTER" }

func (s signal) varOTLP(setting string) string { return varOTLP + string(s) + "_" + setting }

// exporter returns the name of the exporter that is asked for, or none. This is
// where we differ from autoexport, whose default is otlp. Logs, which may hold what
// spans and metrics never do, are not sent to an endpoint that was given for all.
func (s signal) exporter() string {
	switch name := os.Getenv(s.varExporter()); {
	case name != "":
		return name
	case os.Getenv(s.varOTLP("ENDPOINT")) != "", s != logs && os.Getenv(varEndpoint) != "":
		return exporterOTLP
	default:
		return exporterNone
	}
}

func (s signal) asked() bool { return s.exporter() != exporterNone }

// exporters returns the names that work without being registered.
func (s signal) exporters() []string {
	if s == metrics {
		return []string{exporterOTLP, "console", "prometheus", exporterNone}
	}
	return []string{exporterOTLP, "console", exporterNone}
}

// exporterError says why there is no exporter, and what would be right if the
// name is the reason.
func (s signal) exporterError(err error) error {
	name := s.exporter()
	if slices.Contains(s.exporters(), name) {
		return fmt.Errorf("%s=%q: %w", s.varExporter(), name, err)
	}
	return fmt.Errorf("%w: %w", invalid(s.varExporter(), name, "one of "+strings.Join(s.exporters(), ", ")), err)
}

// setting returns the variable and the value of an OTLP setting, of which the
// one for the signal wins over the one for all.
func (s signal) setting(name string) (variable, value string) {
	if v := os.Getenv(s.varOTLP(name)); v != "" {
		return s.varOTLP(name), v
	}
	return varOTLP + name, os.Getenv(varOTLP + name)
}

// check returns what is wrong with the variables that concern the signal.
func (s signal) check() error {
	var errs []error
	if s.exporter() == exporterOTLP {
		errs = append(errs, s.checkOTLP())
	}
	switch s {
	case traces:
		errs = append(errs, checkSampler(), checkBatcher())
	case metrics:
		errs = append(errs, checkReader())
	case logs:
		errs = append(errs, checkLogBatcher())
	}
	return errors.Join(errs...)
}

// checkOTLP returns what is wrong with the variables of the OTLP exporter.
func (s signal) checkOTLP() error {
	timeout, _ := s.setting("TIMEOUT")
	return errors.Join(
		s.checkProtocol(),
		s.checkEndpoint(),
		checkInt(timeout, maxMillis),
	)
}

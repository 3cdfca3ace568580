package setup

import (
	"errors"
	"fmt"
	"math"
	"net/url"
	"os"
	"strconv"
	"strings"
)

// The bounds of numbers, of spans and log records alike. The SDK allocates its queue at once, and panics when it
// is told to allocate less than nothing.
const (
	maxMillis = math.MaxInt32 // 24 days
	maxSpans  = 1 << 20
)

// invalid is the error of a variable whose value cannot be right.
func invalid(variable, value, want string) error {
	return fmt.Errorf("%s=%q: want %s", variable, value, want)
}

// sdkDisabled reports whether everything is switched off. A value that is
// neither true nor false does so too, because somebody meant something by it.
func sdkDisabled() (bool, error) {
	value := os.Getenv(varDisabled)
	switch strings.ToLower(value) {
	case "true":
		return true, nil
	case "", "false":
		return false, nil
	default:
		return true, invalid(varDisabled, value, "true or false")
	}
}

func (s signal) checkProtocol() error {
	variable, value := s.setting("PROTOCOL")
	switch value {
	case "", protocolGRPC, protocolHTTP:
		return nil
	case protocolHTTPJSON:
		if s == traces {
			return nil
		}
		return invalid(variable, value, fmt.Sprintf("http/protobuf or grpc for %s: set %s to one of them, or %s to none",
			strings.ToLower(string(s)), s.varOTLP("PROTOCOL"), s.varExporter()))
	default:
		return invalid(variable, value, "http/protobuf, grpc or, for traces, http/json")
	}
}

func (s signal) checkEndpoint() error {
	variable, value := s.setting("ENDPOINT")
	if value == "" {
		return nil
	}
	u, err := url.Parse(strings.TrimSpace(value))
	if err != nil {
		return invalid(variable, redact(value), "a URL like http://localhost:4318")
	}
	if _, protocol := s.setting("PROTOCOL"); protocol == protocolGRPC {
		return nil // names of its own, such as dns:///collector:4317, are legal
	}
	if scheme := strings.ToLower(u.Scheme); scheme != "http" && scheme != "https" || u.Host == "" {
		return invalid(variable, redact(value), "a URL like http://localhost:4318")
	}
	return nil
}

// redact hides what stands before an @, which may be a password.
func redact(endpoint string) string {
	if i := strings.LastIndexByte(endpoint, '@'); i >= 0 {
		return "xxxxx" + endpoint[i:]
	}
	return endpoint
}

func checkSampler() error {
	const variable, argument = "OTEL_TRACES_SAMPLER", "OTEL_TRACES_SAMPLER_ARG"
	value := os.Getenv(variable)
	name := strings.ToLower(strings.TrimSpace(value))
	switch strings.TrimPrefix(name, "parentbased_") {
	case "", "always_on", "always_off":
		return nil
	case "traceidratio":
		return checkRatio(argument)
	default:
		return invalid(variable, value, "always_on, always_off or traceidratio, or one of them after parentbased_")
	}
}

func checkRatio(variable string) error {
	value := os.Getenv(variable)
	if value == "" {
		return nil
	}
	if r, err := strconv.ParseFloat(strings.TrimSpace(value), 64); err != nil || !(r >= 0 && r <= 1) {
		return invalid(variable, value, "a number from 0 to 1")
	}
	return nil
}

func checkBatcher() error {
	return errors.Join(
		checkInt("OTEL_BSP_SCHEDULE_DELAY", maxMillis),
		checkInt("OTEL_BSP_EXPORT_TIMEOUT", maxMillis),
		checkInt("OTEL_BSP_MAX_QUEUE_SIZE", maxSpans),
		checkInt("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", maxSpans),
	)
}

func checkLogBatcher() error {
	return errors.Join(
		checkInt("OTEL_BLRP_SCHEDULE_DELAY", maxMillis),
		checkInt("OTEL_BLRP_EXPORT_TIMEOUT", maxMillis),
		checkInt("OTEL_BLRP_MAX_QUEUE_SIZE", maxSpans),
		checkInt("OTEL_BLRP_MAX_EXPORT_BATCH_SIZE", maxSpans),
	)
}

func checkReader() error {
	return errors.Join(
		checkInt("OTEL_METRIC_EXPORT_INTERVAL", maxMillis),
		checkInt("OTEL_METRIC_EXPORT_TIMEOUT", maxMillis),
	)
}

func checkInt(variable string, highest int) error {
	value := os.Getenv(variable)
	if value == "" {
		return nil
	}
	if n, err := strconv.Atoi(value); err != nil || n < 1 || n > highest {
		return invalid(variable, value, fmt.Sprintf("a number from 1 to %d", highest))
	}
	return nil
}

// invalidResource names the variable that err, of the SDK, is about.
func invalidResource(err error) error {
	const variable = "OTEL_RESOURCE_ATTRIBUTES"
	return fmt.Errorf("%w: %w", invalid(variable, os.Getenv(variable), "key=value, separated by commas"), err)
}

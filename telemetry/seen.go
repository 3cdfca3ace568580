package telemetry

import (
	"maps"
	"sync"

	"go.opentelemetry.io/otel/attribute"
)

// seenValues remembers the values that an attribute of each transform has had, so that
// one which it has no longer is reported as 0: a series that just ends is taken for its
// last value, for minutes, by backends that metrics are pushed to. There are as many
// as states, reasons and stages at most. The zero value is ready to use.
type seenValues struct {
	mu sync.Mutex
	of map[ofTransform]map[string]int64 // each value with 0
}

type ofTransform struct {
	transform string
	key       attribute.Key
}

// with returns counts, and 0 for each value that there was before and is not among them.
func (s *seenValues) with(transform string, key attribute.Key, counts map[string]int64) map[string]int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.of == nil {
		s.of = make(map[ofTransform]map[string]int64)
	}
	mine := ofTransform{transform, key}
	if s.of[mine] == nil {
		s.of[mine] = make(map[string]int64)
	}
	for value := range counts {
		s.of[mine][value] = 0
	}
	all := maps.Clone(s.of[mine])
	maps.Copy(all, counts)
	return all
}

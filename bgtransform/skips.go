package bgtransform

import (
	"context"

	"github.com/bgtransform/sidecar/bgtransform/store"
)

// Skips is a set of keys. Its zero value is empty.
type Skips struct{ keys map[string]struct{} }

// Has reports whether key is to be skipped.
func (s Skips) Has(key string) bool { _, ok := s.keys[key]; return ok }

// Len returns the number of keys to skip.
func (s Skips) Len() int { return len(s.keys) }

// among returns those of keys that are in the set.
func (s Skips) among(keys []string) (in []string) {
	if s.Len() == 0 {
		return nil
	}
	for _, key := range keys {
		if s.Has(key) {
			in = append(in, key)
		}
	}
	return in
}

// All calls yield for every key until it returns false, in no fixed order.
func (s Skips) All(yield func(key string) bool) {
	for k := range s.keys {
		if !yield(k) {
			return
		}
	}
}

func skipsOf(keys []string) Skips {
	s := Skips{keys: make(map[string]struct{}, len(keys))}
	for _, key := range keys {
		s.keys[key] = struct{}{}
	}
	return s
}

// loadSkips reads the keys in quarantine that are not to be tried again.
func (a *attempt) loadSkips(ctx context.Context) error {
	if a.reverting() {
		return a.loadRefused(ctx)
	}
	held, err := a.s.store.QuarantinedKeys(ctx, a.e.name, maxSkips, store.Held)
	if err != nil {
		return err
	}
	accepted, err := a.s.store.QuarantinedKeys(ctx, a.e.name, maxSkips, store.Accepted)
	if err != nil {
		return err
	}
	retried, err := a.s.store.QuarantinedKeys(ctx, a.e.name, maxSkips, store.Retrying)
	if err != nil {
		return err
	}
	if len(held)+len(accepted) >= maxSkips {
		return errTooManySkips
	}
	a.bad = int64(len(held))
	a.skips, a.retried = skipsOf(append(held, accepted...)), skipsOf(retried)
	return nil
}

// maxSkips bounds the keys in quarantine that are held in memory. It is above
// any sensible Config.MaxQuarantine, because accepted rows add to it.
const maxSkips = 100_000

var errTooManySkips = &safeError{class: "quarantine", text: "100000 rows or more are in quarantine; delete those accepted from bgtransform_quarantine, or let the transform skip them"}

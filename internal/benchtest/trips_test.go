package benchtest_test

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bgtransform/sidecar/bgtransform"
	"github.com/bgtransform/sidecar/internal/testserver"
)

// tripsWatch keeps what the driver was asked from the end of one batch to the
// end of the next.
type tripsWatch struct {
	*watch
	calls *calls

	mu      sync.Mutex
	batches [][]string
	heard   int // how often it was read what operators want
}

func (w *tripsWatch) BatchEnd(ctx context.Context, info bgtransform.BatchEndInfo) {
	w.watch.BatchEnd(ctx, info)
	w.mu.Lock()
	defer w.mu.Unlock()
	// What operators want is read every 50 ms: for each batch on a slow machine, for
	// a few of them on others.
	all := w.calls.take()
	ours := slices.DeleteFunc(slices.Clone(all), func(call string) bool { return strings.Contains(call, "bgtransform_intents") })
	w.batches = append(w.batches, ours)
	w.heard += len(all) - len(ours)
}

// A batch makes no more trips to the server than it needs: over a network, they
// are what a small batch costs.
func TestTripsOfABatch(t *testing.T) {
	t.Parallel()
	postgres := func(t *testing.T) (*server, *calls) {
		db, counted := openCounted(t, testserver.SharedPostgres(t).Database(t))
		return &server{name: "PostgreSQL", db: db, series: postgresSeries}, counted
	}
	// MariaDB's driver prepares a statement with bound values first, each time.
	mariadb := func(t *testing.T) (*server, *calls) {
		db, counted := openCountedMariaDB(t, testserver.SharedMariaDB(t).Database(t))
		return &server{name: "MariaDB", db: db, series: mariadbSeries}, counted
	}
	for name, test := range map[string]struct {
		on    func(t *testing.T) (*server, *calls)
		tr    bgtransform.Transform
		trips int
	}{
		"PostgreSQL SQL":                 {postgres, sqlTransform(), 5},
		"PostgreSQL Rows":                {postgres, rowsTransform(), 8},
		"PostgreSQL Rows with a journal": {postgres, journaledTransform(), 11}, // the rows once more, and two inserts

		"MariaDB SQL":  {mariadb, sqlTransform(), 10},
		"MariaDB Rows": {mariadb, rowsTransform(), 12},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, counted := test.on(t)
			s.fill(t, 20_000)
			w := &tripsWatch{watch: newWatch(), calls: counted}
			began := time.Now()
			run(t, s.db, bgtransform.Config{Limits: unthrottled(batchSize), Observer: w, Logger: slog.New(slog.DiscardHandler)}, test.tr, w.watch)
			w.mu.Lock()
			defer w.mu.Unlock()
			// Neither a batch that looks whether its rows have turned, nor one
			// that estimates what is left, is like most.
			fewest := w.batches[0]
			for _, b := range w.batches[:20] {
				if len(b) < len(fewest) {
					fewest = b
				}
			}
			// The first batch comes with the load of the transform.
			if most := int(time.Since(began)/(50*time.Millisecond)) + 3; w.heard > most {
				t.Errorf("what operators want was read %d times, want at most %d, one in 50 ms", w.heard, most)
			}
			if len(fewest) > test.trips {
				t.Errorf("a batch makes %d trips, want at most %d:\n%s", len(fewest), test.trips, short(fewest))
			}
			t.Logf("%d trips:\n%s", len(fewest), short(fewest))
		})
	}
}

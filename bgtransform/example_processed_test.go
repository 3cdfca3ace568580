package bgtransform_test

import (
	"context"
	"fmt"
	"sync/atomic"

	"github.com/bgtransform/sidecar/bgtransform"
)

// Rows that do not show whether they are done: the work is done elsewhere, and the
// keys are kept in a set. Adapters keep it in Redis; this one is a table.
func ExampleProcessedInDatabase() {
	db := songs()
	defer db.Close()
	var sent atomic.Int64

	sched, _ := bgtransform.New(db, exampleConfig())
	err := sched.Register(bgtransform.Rows[Song]{
		Name:      "announce-songs",
		Reads:     []string{"title"},
		Processed: bgtransform.ProcessedInDatabase(),
		Each: func(_ context.Context, _ *Song) error {
			sent.Add(1) // call the search engine's API
			return nil
		},
	})
	if err != nil {
		panic(err)
	}
	st := runUntil(sched, is(bgtransform.StateComplete))
	fmt.Println(st.State, "after", st.Pass, "passes,", sent.Load(), "songs announced")
	// Output: complete after 2 passes, 3 songs announced
}

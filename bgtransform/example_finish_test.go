package bgtransform_test

import (
	"context"
	"fmt"

	"github.com/bgtransform/sidecar/bgtransform"
	"github.com/bgtransform/sidecar/bgtransform/window"
)

// A deploy script of a small installation does not wait for the night. In a unit test
// it is the shortest way to the end as well.
func ExampleScheduler_Finish() {
	db := songs()
	defer db.Close()
	cfg := exampleConfig()
	cfg.Window = window.MustParse("0 22 * * * for 8h in Europe/Berlin")
	sched, _ := bgtransform.New(db, cfg)
	_ = sched.Register(bgtransform.SQL[Song]{Name: "song-length-ms", Pending: "length_ms IS NULL", Set: "length_ms = length * 1000"})

	err := sched.Finish(context.Background(), "song-length-ms", bgtransform.FinishOptions{
		By:       bgtransform.By{Who: "deploy 1.7"},
		Progress: func(st bgtransform.Status) { fmt.Printf("%s, %.0f%%\n", st.State, 100*st.Progress) },
	})
	fmt.Println(err)
	// Output:
	// complete, 100%
	// <nil>
}

package bgtransform_test

import (
	"context"
	"fmt"
	"time"

	"github.com/bgtransform/sidecar/bgtransform"
)

// At noon an operator makes a transform that runs in the app gentler, and in the
// evening lets it go as the code says.
func ExampleControl_Tune() {
	ctx := context.Background()
	db := songs()
	defer db.Close()
	sched, _ := bgtransform.New(db, exampleConfig())
	_ = sched.Register(bgtransform.SQL[Song]{Name: "song-length-ms", Pending: "length_ms IS NULL", Set: "length_ms = length * 1000"})
	runUntil(sched, is(bgtransform.StateComplete))

	control, err := bgtransform.NewControl(db) // in a command, say: another process than the app's
	if err != nil {
		panic(err)
	}
	err = control.Tune(ctx, "song-length-ms", bgtransform.By{Who: "ann", Why: "the shop is slow"}, map[bgtransform.Setting]string{
		bgtransform.SettingDuty:          "10%",
		bgtransform.SettingRowsPerSecond: "500",
		bgtransform.SettingWindow:        "0 22 * * * for 8h in Europe/Berlin",
	})
	if err != nil {
		panic(err)
	}
	all, _ := control.Status(ctx, "song-length-ms")
	for _, t := range all[0].Tuned {
		fmt.Println(t.Setting, "is", t.Value, "by", t.By)
	}
	log, _ := control.Actions(ctx, "song-length-ms", 1)
	fmt.Println(log[0].What)

	fmt.Println(control.Tune(ctx, "song-length-ms", bgtransform.By{Who: "ann"}, map[bgtransform.Setting]string{
		bgtransform.SettingDuty: "110%",
	}))
	// Output:
	// DUTY is 10% by ann
	// ROWS_PER_SECOND is 500 by ann
	// WINDOW is 0 22 * * * for 8h in Europe/Berlin by ann
	// DUTY=10% (was default), ROWS_PER_SECOND=500 (was default), WINDOW=0 22 * * * for 8h in Europe/Berlin (was default)
	// bgtransform: tune transform "song-length-ms": invalid setting: DUTY="110%": valid is a share of time above 0 and at most 1, such as 0.5, or 50%
}

func ExampleControl_Untune() {
	ctx := context.Background()
	db := songs()
	defer db.Close()
	sched, _ := bgtransform.New(db, exampleConfig())
	_ = sched.Register(bgtransform.SQL[Song]{Name: "song-length-ms", Pending: "length_ms IS NULL", Set: "length_ms = length * 1000"})
	runUntil(sched, is(bgtransform.StateComplete))

	ann := bgtransform.By{Who: "ann"}
	_ = sched.Control().Tune(ctx, "song-length-ms", ann, map[bgtransform.Setting]string{bgtransform.SettingBatchMax: "200"})
	if err := sched.Control().Untune(ctx, "song-length-ms", ann); err != nil {
		panic(err)
	}
	log, _ := sched.Control().Actions(ctx, "song-length-ms", 2)
	for _, a := range log {
		fmt.Println(a.Action, a.What)
	}
	// Output:
	// untune BATCH_MAX=default (was 200)
	// tune BATCH_MAX=200 (was default)
}

// At night only, but once now: the window closes by itself again.
func ExampleControl_RunNow() {
	ctx := context.Background()
	db := songs()
	defer db.Close()
	sched, _ := bgtransform.New(db, exampleConfig())
	_ = sched.Register(bgtransform.SQL[Song]{Name: "song-length-ms", Pending: "length_ms IS NULL", Set: "length_ms = length * 1000"})
	runUntil(sched, is(bgtransform.StateComplete))
	ann := bgtransform.By{Who: "ann", Why: "the release waits for it"}
	_ = sched.Control().Tune(ctx, "song-length-ms", ann, map[bgtransform.Setting]string{bgtransform.SettingWindow: "never"})

	until, err := sched.Control().RunNow(ctx, "song-length-ms", ann, 2*time.Hour)
	if err != nil {
		panic(err)
	}
	fmt.Println("open for", time.Until(until).Round(time.Hour))
	_, err = sched.Control().RunNow(ctx, "song-length-ms", ann, 100*time.Hour)
	fmt.Println(err)
	// Output:
	// open for 2h0m0s
	// bgtransform: run transform "song-length-ms" now: invalid setting: run now is for a time of 1m to 12h0m0s, not 100h0m0s
}

func ExampleSettings() {
	fmt.Println(bgtransform.Settings())
	// Output: [BATCH_MAX BATCH_MIN BATCH_ROWS BATCH_TARGET DUTY PHASE ROWS_PER_SECOND WINDOW]
}

package bgtransform_test

import (
	"context"
	"fmt"

	"github.com/bgtransform/sidecar/bgtransform"
)

// Rows that somebody has written wrongly since are found, and made again what
// the transform makes of them.
func ExampleControl_Verify() {
	db := songs()
	defer db.Close()
	ctx := context.Background()
	sched, _ := bgtransform.New(db, exampleConfig())
	err := sched.Register(bgtransform.SQL[Song]{
		Name:    "song-length-ms",
		Pending: "length_ms IS NULL",
		Set:     "length_ms = length * 1000",
		Wrong:   "length_ms IS DISTINCT FROM length * 1000",
	})
	if err != nil {
		panic(err)
	}
	control, asked := sched.Control(), false
	st := runUntil(sched, func(st bgtransform.Status) bool {
		if st.State == bgtransform.StateComplete && !asked {
			asked = true
			_, _ = db.ExecContext(ctx, "UPDATE songs SET length_ms = 186 WHERE id = 3") // by an old version of the app
			if err := control.Verify(ctx, "song-length-ms", bgtransform.VerifyOptions{Repair: true}, bgtransform.By{Who: "ann"}); err != nil {
				panic(err)
			}
		}
		return !st.Verified.IsZero()
	})
	fmt.Println(st.Verify.Rows, "rows,", st.Verify.Mismatches, "wrong,", st.Verify.Repaired, "repaired")
	rows, _ := control.Mismatches(ctx, "song-length-ms", 10)
	for _, row := range rows {
		fmt.Println("key", row.Key, row.Class)
	}
	var ms int64
	_ = db.NewSelect().Model((*Song)(nil)).Column("length_ms").Where("id = 3").Scan(ctx, &ms)
	fmt.Println("it holds", ms)
	// Output:
	// 3 rows, 1 wrong, 1 repaired
	// key 3 value differs
	// it holds 186000
}

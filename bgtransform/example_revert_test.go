package bgtransform_test

import (
	"context"
	"fmt"

	"github.com/bgtransform/sidecar/bgtransform"
)

// A transform that changes values in place keeps a journal, and can be reverted:
// what the app has changed since stays.
func ExampleControl_Revert() {
	db := songs()
	defer db.Close()
	ctx := context.Background()
	sched, _ := bgtransform.New(db, exampleConfig())
	err := sched.Register(bgtransform.SQL[Song]{
		Name:    "shout-titles",
		Pending: "title <> upper(title)",
		Set:     "title = upper(title)",
		Writes:  []string{"title"},
		Options: bgtransform.Options{Journal: true},
	})
	if err != nil {
		panic(err)
	}
	asked := false
	st := runUntil(sched, func(st bgtransform.Status) bool {
		if st.State == bgtransform.StateComplete && !asked {
			asked = true
			_, _ = db.ExecContext(ctx, "UPDATE songs SET title = 'a user''s' WHERE id = 2")
			if err := sched.Control().Revert(ctx, "shout-titles", bgtransform.By{Who: "ann", Why: "too loud"}); err != nil {
				panic(err)
			}
		}
		return st.State == bgtransform.StateReverted
	})
	var titles []string
	_ = db.NewSelect().Model((*Song)(nil)).Column("title").OrderExpr("id").Scan(ctx, &titles)
	fmt.Println(st.State, st.Rows, "rows:", titles)
	// Output: reverted 2 rows: [One a user's Three]
}

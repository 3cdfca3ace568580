package gate_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/bgtransform/sidecar/bgtransform"
	"github.com/bgtransform/sidecar/bgtransform/gate"
)

// The old column is dropped only if the gate lets it. In a fresh installation nothing
// has run, and nothing needs to.
func ExampleRequire() {
	dir, err := os.MkdirTemp("", "gate")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = os.RemoveAll(dir) }()
	db := openFile(filepath.Join(dir, "music.db"))
	defer func() { _ = db.Close() }()
	ctx := context.Background()

	mayDrop := func() {
		err := gate.Require(ctx, db, "track-length-ms",
			gate.Data[Track]("length_ms IS NULL"), gate.Command("myapp transforms"))
		if _, ok := errors.AsType[*gate.Refusal](err); err == nil || ok {
			fmt.Println(err)
			return
		}
		fmt.Println("the database cannot be read:", err)
	}
	_, _ = db.NewCreateTable().Model((*Track)(nil)).Exec(ctx)
	mayDrop()
	_, _ = db.NewInsert().Model(&Track{ID: 1, Length: 180}).Exec(ctx)
	mayDrop()
	// Output:
	// <nil>
	// may not contract yet
	//   track-length-ms: it has never run, and rows are pending
	//       myapp transforms finish track-length-ms
}

// An instance of the version without the old column gets no traffic before it may.
func ExampleCheck() {
	dir, err := os.MkdirTemp("", "gate")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = os.RemoveAll(dir) }()
	db := openFile(filepath.Join(dir, "music.db"))
	defer func() { _ = db.Close() }()
	_, _ = db.NewCreateTable().Model((*Track)(nil)).Exec(context.Background())

	ready := gate.Check(db, []string{"track-length-ms"}, gate.Transforms(bgtransform.SQL[Track]{
		Name: "track-length-ms", Pending: "length_ms IS NULL", Set: "length_ms = length * 1000",
	}))
	fmt.Println(ready(context.Background())) // in the handler of the probe
	// Output: <nil>
}

// A pipeline asks for a name that somebody has typed.
func ExampleKnown() {
	dir, err := os.MkdirTemp("", "gate")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = os.RemoveAll(dir) }()
	db := openFile(filepath.Join(dir, "music.db"))
	defer func() { _ = db.Close() }()

	err = gate.Require(context.Background(), db, "track-lenght-ms", gate.Known("track-length-ms"))
	fmt.Println(errors.Is(err, bgtransform.ErrUnknownTransform))
	fmt.Println(err)
	// Output:
	// true
	// gate: transform "track-lenght-ms": no such transform in this database; did you mean "track-length-ms"?
}

package contract_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/bgtransform/sidecar/bgtransform/contract"
)

// change is one of the functions of the package, on the table tracks.
type change struct {
	do   func(ctx context.Context, db *database, opts ...contract.Option) error
	done func(t testing.TB, db *database) bool
}

// changes are those that every database makes.
func changes() map[string]change {
	return map[string]change{
		"NotNull": {
			func(ctx context.Context, db *database, opts ...contract.Option) error {
				return contract.NotNull(ctx, db.DB, "tracks", "length_ms", opts...)
			},
			func(t testing.TB, db *database) bool { return !db.nullable(t, "length_ms") },
		},
		"Relax": {
			func(ctx context.Context, db *database, opts ...contract.Option) error {
				return contract.Relax(ctx, db.DB, "tracks", "length", opts...)
			},
			func(t testing.TB, db *database) bool { return db.nullable(t, "length") },
		},
		"DropColumn": {
			func(ctx context.Context, db *database, opts ...contract.Option) error {
				return contract.DropColumn(ctx, db.DB, "tracks", "length", opts...)
			},
			func(t testing.TB, db *database) bool { return !db.has(t, "length") },
		},
		"CreateIndex": {
			func(ctx context.Context, db *database, opts ...contract.Option) error {
				return contract.CreateIndex(ctx, db.DB, contract.Index{Table: "tracks", Columns: []string{"length_ms"}, Unique: true}, opts...)
			},
			func(t testing.TB, db *database) bool {
				return !db.accepts(t, "INSERT INTO tracks (id, length, length_ms) VALUES (1000001, 1, 1000001000), (1000002, 1, 1000001000)")
			},
		},
	}
}

func TestEachChangeIsMadeOnceHoweverOftenItIsCalled(t *testing.T) {
	t.Parallel()
	for name, c := range changes() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			each(t, all(), func(t *testing.T, db *database) {
				db.tracks(t, 10)
				if c.done(t, db) {
					t.Fatal("it is done before it was called: the test sees nothing")
				}
				for call := range 3 {
					log := newRecord()
					must(t, c.do(t.Context(), db, log.logger()))
					if idle := strings.Contains(log.String(), "contract has nothing to do"); idle != (call > 0) {
						t.Errorf("call %d says %q", call+1, log)
					}
				}
				if !c.done(t, db) {
					t.Error("it returned nil and is not done")
				}
			})
		})
	}
}

func TestACallWithAContextThatHasEndedChangesNothing(t *testing.T) {
	t.Parallel()
	cause := errors.New("the deploy was called off")
	for name, c := range changes() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			each(t, all(), func(t *testing.T, db *database) {
				db.tracks(t, 10)
				ctx, cancel := context.WithCancelCause(t.Context())
				cancel(cause)
				if err := c.do(ctx, db, quiet()); !errors.Is(err, cause) {
					t.Errorf("error %v, want the context's cause", err)
				}
				if c.done(t, db) {
					t.Error("it is done all the same")
				}
			})
		})
	}
}

// Rows that stand against a change are found before anything is changed, and named
// without their values.
func TestRowsThatStandAgainstItAreAnErrorThatSaysWhatToDo(t *testing.T) {
	t.Parallel()
	unique := contract.Index{Table: "tracks", Columns: []string{"title"}, Unique: true}
	for name, test := range map[string]struct {
		spoil string
		do    func(ctx context.Context, db *database, opts ...contract.Option) error
		mend  string
	}{
		"NotNull": {
			"UPDATE tracks SET length_ms = NULL WHERE id = 7",
			func(ctx context.Context, db *database, opts ...contract.Option) error {
				return contract.NotNull(ctx, db.DB, "tracks", "length_ms", opts...)
			}, "UPDATE tracks SET length_ms = 7000 WHERE id = 7",
		},
		"CreateIndex": {
			"UPDATE tracks SET title = 'secret-3' WHERE id = 7",
			func(ctx context.Context, db *database, opts ...contract.Option) error {
				return contract.CreateIndex(ctx, db.DB, unique, opts...)
			}, "UPDATE tracks SET title = 'other' WHERE id = 7",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			each(t, all(), func(t *testing.T, db *database) {
				db.tracks(t, 10)
				db.exec(t, test.spoil)
				before := db.schema(t)
				changes := 0
				db.trap.sees = func(string) { changes++ }
				for range 2 {
					log := newRecord()
					err := test.do(t.Context(), db, log.logger(), contract.Transform("track-length-ms"))
					if !errors.Is(err, contract.ErrRows) {
						t.Fatalf("error %v, want ErrRows", err)
					}
					for _, want := range []string{"tracks", "some rows", `transform "track-length-ms" has to complete first`, "Nothing is changed"} {
						if !strings.Contains(err.Error(), want) {
							t.Errorf("the error does not say %q: %v", want, err)
						}
					}
					if strings.Contains(err.Error()+log.String(), "secret") {
						t.Errorf("a value of a row stands in the error or the log: %v\n%s", err, log)
					}
				}
				if after := db.schema(t); after != before {
					t.Errorf("the schema was\n%s\nand is\n%s", before, after)
				}
				if name == "NotNull" && changes > 0 { // of duplicates only the build knows
					t.Errorf("%d statements have changed the schema for a while", changes)
				}
				db.exec(t, test.mend)
				must(t, test.do(t.Context(), db, quiet()))
			})
		})
	}
}

func TestWhatIsNotThereOrNoTableIsRefused(t *testing.T) {
	t.Parallel()
	each(t, all(), func(t *testing.T, db *database) {
		db.tracks(t, 3)
		db.exec(t, "CREATE VIEW looks AS SELECT * FROM tracks")
		ctx := t.Context()
		for name, err := range map[string]error{
			"NotNull of no table":      contract.NotNull(ctx, db.DB, "nothing", "length"),
			"NotNull of no column":     contract.NotNull(ctx, db.DB, "tracks", "nothing"),
			"Relax of no column":       contract.Relax(ctx, db.DB, "tracks", "nothing"),
			"Relax of the primary key": contract.Relax(ctx, db.DB, "tracks", "id"),
			"DropColumn of the key":    contract.DropColumn(ctx, db.DB, "tracks", "id"),
			"DropColumn of no table":   contract.DropColumn(ctx, db.DB, "nothing", "length"),
			"DropColumn of a view":     contract.DropColumn(ctx, db.DB, "looks", "length"),
			"NotNull of a view":        contract.NotNull(ctx, db.DB, "looks", "length"),
		} {
			if !errors.Is(err, contract.ErrRefused) {
				t.Errorf("%s: error %v, want ErrRefused", name, err)
			}
		}
	})
}

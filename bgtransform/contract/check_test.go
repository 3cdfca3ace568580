package contract_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/bgtransform/sidecar/bgtransform/contract"
)

func TestAddCheck(t *testing.T) {
	t.Parallel()
	each(t, []kind{postgres, sqlite}, func(t *testing.T, db *database) { // MariaDB refuses, see TestWhatCannotBeDoneOnlineIsRefused
		db.tracks(t, 5)
		check := contract.Check{Table: "tracks", Name: "fits", Expr: "length_ms = length * 1000"}
		before := db.schema(t)
		db.exec(t, "UPDATE tracks SET length = 77 WHERE id = 2")
		err := contract.AddCheck(t.Context(), db.DB, check, quiet())
		if !errors.Is(err, contract.ErrRows) || strings.Contains(err.Error(), "77") {
			t.Errorf("error %v, want ErrRows without values", err)
		}
		if after := db.schema(t); after != before {
			t.Errorf("the schema was\n%s\nand is\n%s", before, after)
		}
		db.exec(t, "UPDATE tracks SET length = 1 WHERE id = 2")
		for range 2 {
			must(t, contract.AddCheck(t.Context(), db.DB, check, quiet()))
		}
		if db.accepts(t, "UPDATE tracks SET length = 77 WHERE id = 2") {
			t.Error("the check lets a row pass that does not meet it")
		}
	})
}

func TestBadOptionsAreNamed(t *testing.T) {
	t.Parallel()
	db := newDatabase(t, sqlite)
	db.tracks(t, 1)
	err := contract.NotNull(t.Context(), db.DB, "tracks", "length_ms", contract.LockTimeout(time.Microsecond), contract.Patience(-1), contract.ProgressEvery(-1))
	for _, want := range []string{"LockTimeout", "Patience", "ProgressEvery"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one that names %s", err, want)
		}
	}
	for name, err := range map[string]error{
		"an index without columns": contract.CreateIndex(t.Context(), db.DB, contract.Index{Table: "tracks"}),
		"a check without name":     contract.AddCheck(t.Context(), db.DB, contract.Check{Table: "tracks", Expr: "true"}),
	} {
		if err == nil {
			t.Errorf("%s is no error", name)
		}
	}
}

package cobracli_test

import (
	"context"
	"strings"
	"testing"

	"github.com/bgtransform/sidecar/bgtransform"
	"github.com/bgtransform/sidecar/bgtransform/throttle"
)

// While the app may not make its tables, the commands say that they are not there, and not
// that no instance runs; nor do they recommend what needs them.
func TestTablesThatTheAppMayNotMake(t *testing.T) {
	t.Parallel()
	d := newDatabase(t, "pg")
	owner := d.seed(t, 3, false)
	_, name, _ := strings.Cut(d.dsn, "/test_")
	role, _, _ := strings.Cut("app_"+name, "?")
	for _, s := range []string{"CREATE ROLE " + role + " LOGIN", "REVOKE CREATE ON SCHEMA public FROM public", "GRANT SELECT, UPDATE ON tracks TO " + role} {
		_, err := owner.ExecContext(t.Context(), s)
		must(t, err)
	}
	t.Cleanup(func() {
		for _, s := range []string{"DROP OWNED BY " + role, "DROP ROLE " + role} {
			_, err := owner.ExecContext(context.Background(), s)
			must(t, err)
		}
	})
	d.dsn = strings.Replace(d.dsn, "postgres@", role+"@", 1)
	db, err := d.open()
	must(t, err)
	s := start(t, db, throttle.Limits{})
	reach(t, s, "that its tables cannot be made", func(st bgtransform.Status) bool { return strings.Contains(st.Here.Text, "store.Migrations") })

	ops := app{db: d, code: true}
	for _, line := range []string{"list", "status", "explain " + move} {
		if r := ops.wants(t, 0, words(line), "its tables do not exist: either", "or its user may not make them"); strings.Contains(r.out, "finish") {
			t.Errorf("%s recommends what needs the tables: %s", line, r.out)
		}
	}
	ops.wants(t, 0, words("plan "+move), "nothing was written")
	for _, line := range []string{"pause " + move, "log " + move} {
		r := ops.wants(t, 4, words(line), "its user may not make them", "store.Migrations")
		if strings.Contains(r.err, "no instance has started with it") {
			t.Errorf("%s says that no instance has started: %s", line, r.err)
		}
	}
}

package testserver_test

import (
	"database/sql"
	"path/filepath"
	"testing"

	"github.com/bgtransform/sidecar/internal/testserver"
)

// Servers that start side by side do not remove each other's temporary tables.
func TestMariaDBHasAPlaceOfItsOwnForTemporaryTables(t *testing.T) {
	t.Parallel()
	db, err := sql.Open("mysql", testserver.StartMariaDB(t).DSN(""))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	var data, temporary string
	if err := db.QueryRowContext(t.Context(), "SELECT @@datadir, @@tmpdir").Scan(&data, &temporary); err != nil {
		t.Fatal(err)
	}
	if filepath.Dir(filepath.Clean(data)) != filepath.Clean(temporary) {
		t.Errorf("the data is in %s, temporary tables are in %s", data, temporary)
	}
}

package main

import (
	"strings"
	"testing"

	"github.com/bgtransform/sidecar/bgtransform"
	"github.com/bgtransform/sidecar/internal/testserver"
)

// proofServer is a private database with an empty catalogue.
type proofServer struct {
	name   string
	addr   string   // host and port
	direct string   // the address of the catalogue, past all proxies
	limit  string   // parameter of it: the server ends transactions that wait for a client for five seconds
	audit  []string // statements that make the table audit, and triggers that fill it
}

// through is the address of the catalogue by way of a proxy.
func (s proofServer) through(proxy *testserver.Proxy) string {
	return strings.Replace(s.direct, s.addr, proxy.Addr(), 1) + s.limit
}

// proofPostgres tells the transform's writes from those of users by the
// transaction: the engine's begin with the checkpoint. A write of the transform is
// kept also when it changes nothing.
func proofPostgres(t *testing.T) proofServer {
	t.Helper()
	server := testserver.StartPostgres(t, "max_connections=200")
	return proofServer{
		name: "PostgreSQL", addr: server.Addr(), direct: server.Database(t), limit: "&idle_in_transaction_session_timeout=5000",
		audit: []string{
			`CREATE TABLE audit (track_id BIGINT NOT NULL, was BIGINT, is_now BIGINT, ours BOOLEAN NOT NULL)`,
			`CREATE TABLE audit_tx (xid BIGINT PRIMARY KEY)`,
			`CREATE FUNCTION audit_checkpoint() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
				INSERT INTO audit_tx VALUES (txid_current()) ON CONFLICT DO NOTHING;
				RETURN NULL;
			END $$`,
			`CREATE FUNCTION audit_tracks() RETURNS trigger LANGUAGE plpgsql AS $$
			DECLARE transforms BOOLEAN := EXISTS (SELECT FROM audit_tx WHERE xid = txid_current());
			BEGIN
				INSERT INTO audit SELECT n.id, o.length_ms, n.length_ms, transforms
				FROM new_rows AS n JOIN old_rows AS o USING (id)
				WHERE transforms OR n.length_ms IS DISTINCT FROM o.length_ms;
				RETURN NULL;
			END $$`,
			`CREATE TRIGGER audit AFTER UPDATE ON bgtransform_ranges
				FOR EACH STATEMENT EXECUTE FUNCTION audit_checkpoint()`,
			`CREATE TRIGGER audit AFTER UPDATE ON tracks REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
				FOR EACH STATEMENT EXECUTE FUNCTION audit_tracks()`,
		},
	}
}

// proofMariaDB tells the transform's writes by a setting that the engine has only
// for its own transactions: how long they wait for a lock.
func proofMariaDB(t *testing.T) proofServer {
	t.Helper()
	server := testserver.StartMariaDB(t, "max-connections=200", "innodb-lock-wait-timeout=50")
	const ours = "@@innodb_lock_wait_timeout < 50"
	return proofServer{
		name: "MariaDB", addr: server.Addr(), direct: mysqlAddress(server.Database(t)), limit: "?idle_transaction_timeout=5",
		audit: []string{
			`CREATE TABLE audit (track_id BIGINT NOT NULL, was BIGINT, is_now BIGINT, ours BOOLEAN NOT NULL)`,
			`CREATE TRIGGER audit AFTER UPDATE ON tracks FOR EACH ROW
				INSERT INTO audit SELECT NEW.id, OLD.length_ms, NEW.length_ms, ` + ours + ` FROM DUAL
				WHERE ` + ours + ` OR NOT OLD.length_ms <=> NEW.length_ms`,
		},
	}
}

// audit asks the server what was written, and whether all of it is right.
func (p *proof) audit(t *testing.T) {
	t.Helper()
	st := p.status(t)
	if st.State != bgtransform.StateComplete || st.Quarantined != 0 {
		t.Errorf("the transform is %s with %d rows in quarantine, want complete with none", st.State, st.Quarantined)
	}
	if tally := truthOf(t.Context(), p.db, wrongBoth); tally.Wrong != 0 || tally.Remaining != 0 || tally.Tracks < p.tracks {
		t.Errorf("%s; want at least %d tracks, none wrong and none left", tally, p.tracks)
	}
	for what, check := range map[string]struct {
		query string
		want  int64
	}{
		"writes of the transform":                    {"SELECT count(*) FROM audit WHERE ours", st.Rows},
		"tracks that it wrote":                       {"SELECT count(DISTINCT track_id) FROM audit WHERE ours", st.Rows},
		"tracks that it wrote though they were done": {"SELECT count(*) FROM audit WHERE ours AND was IS NOT NULL", 0},
		"tracks that have got a length_ms":           {"SELECT count(DISTINCT track_id) FROM audit WHERE was IS NULL AND is_now IS NOT NULL", p.tracks},
		"times that a track has got one":             {"SELECT count(*) FROM audit WHERE was IS NULL AND is_now IS NOT NULL", p.tracks},
		"tracks that have lost theirs":               {"SELECT count(*) FROM audit WHERE is_now IS NULL", 0},
		"lengths that differ in the two columns":     {"SELECT count(*) FROM tracks WHERE length_ms - length_ms % 1000 <> length * 1000", 0},
	} {
		if got := count(t, p.db, check.query); got != check.want {
			t.Errorf("%s: %d, want %d", what, got, check.want)
		}
	}
}

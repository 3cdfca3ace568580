package mysqlhealth_test

import (
	"database/sql"
	"strings"
	"testing"
	"time"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/mysqldialect"

	"github.com/bgtransform/sidecar/adapters/mysqlhealth"
	"github.com/bgtransform/sidecar/bgtransform"
	"github.com/bgtransform/sidecar/bgtransform/throttle"
	"github.com/bgtransform/sidecar/internal/healthtest"
	"github.com/bgtransform/sidecar/internal/testserver"
)

// The lag of a replica that is held back, and of one whose replication is stopped.
func TestReplicaLag(t *testing.T) {
	t.Parallel()
	p := testserver.StartMariaDBPrimary(t)
	db := healthtest.Open(t, "mysql", p.Database(t))
	replica := healthtest.Open(t, "mysql", testserver.StartMariaDBReplica(t, p).DSN(""))
	lag := mysqlhealth.New(replica).ReplicaLag(throttle.Bounds[time.Duration]{Stop: time.Second})
	healthtest.Becomes(t, lag, throttle.Normal)
	healthtest.WantText(t, healthtest.Fails(t, mysqlhealth.New(db).ReplicaLag(throttle.Bounds[time.Duration]{})), "it is not a replica")

	healthtest.Exec(t, replica, "STOP SLAVE SQL_THREAD")
	healthtest.WantText(t, healthtest.Fails(t, lag), "its replication is stopped or broken: receiver Yes, applier No")
	healthtest.Exec(t, replica, "STOP SLAVE", "CHANGE MASTER TO MASTER_DELAY = 3600", "START SLAVE")
	healthtest.Exec(t, db, healthtest.CreateTracks, "INSERT INTO tracks SELECT seq, seq, NULL FROM seq_1_to_400")
	healthtest.WantText(t, healthtest.Becomes(t, lag, throttle.Stop), " s > 1 s")
	throttledRun(t, db, replica, lag)
	healthtest.Becomes(t, lag, throttle.Normal)
}

// throttledRun runs a transform while the replica is held back: it says why, stands
// still, and goes on once the replica has caught up.
func throttledRun(t *testing.T, db, replica *sql.DB, lag throttle.Signal) {
	lag.Every, lag.Settle, lag.Stale = 20*time.Millisecond, 50*time.Millisecond, time.Second
	status := healthtest.Run(t, bun.NewDB(db, mysqldialect.New()), []throttle.Signal{lag}, healthtest.ToMS())
	throttled := func(text string) bgtransform.Status {
		return status("throttled: "+text, func(st bgtransform.Status) bool {
			return strings.HasPrefix(st.Why().Text, "throttled: replica lag "+text)
		})
	}
	st := throttled("")
	healthtest.Exec(t, replica, "STOP SLAVE SQL_THREAD")
	if later := throttled("is not known since "); later.Rows != 0 || later.Attempt != st.Attempt {
		t.Errorf("%d rows were written by attempt %d while the replica was behind", later.Rows, later.Attempt)
	}
	healthtest.Exec(t, replica, "STOP SLAVE", "CHANGE MASTER TO MASTER_DELAY = 0", "START SLAVE")
	end := status("complete", func(st bgtransform.Status) bool { return st.State == bgtransform.StateComplete })
	if end.Rows != 400 || end.Attempt != st.Attempt {
		t.Errorf("%d rows by attempt %d, want 400 by %d", end.Rows, end.Attempt, st.Attempt)
	}
}

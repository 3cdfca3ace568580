package admin_test

import (
	"sync"
	"testing"
	"time"

	"github.com/bgtransform/sidecar/bgtransform/admin"
	"github.com/bgtransform/sidecar/bgtransform/throttle"
)

// However many look, what they see is read once.
func TestManyViewersCostAsMuchAsOne(t *testing.T) {
	t.Parallel()
	db := newDB(t, 1, 0)
	_, _ = idle(t, db)
	queries := new(counter)
	db = db.WithQueryHook(queries)
	paths := []string{"/", "/v1/transforms", "/transforms/" + move, "/v1/transforms/" + move}
	count := func(viewers int) int64 {
		h := admin.New(newSched(t, db, throttle.Limits{}))
		before := queries.n.Load()
		var all sync.WaitGroup
		began := time.Now()
		for range viewers {
			for _, path := range paths {
				all.Go(func() { _ = get(t, h, path) })
			}
		}
		all.Wait()
		if time.Since(began) > time.Second {
			return -1 // so slow that it had to be read again
		}
		return queries.n.Load() - before
	}
	one, many := count(1), count(200)
	if one == 0 {
		t.Fatal("no query was counted")
	}
	if many > one {
		t.Errorf("200 viewers cost %d queries, one %d", many, one)
	}
}

// The loop reads while somebody watches, as much for many as for one, nothing that nobody
// watches, and when the last one has left, nothing at all.
func TestWatchingCost(t *testing.T) {
	t.Parallel()
	db := newDB(t, 1, 0)
	_, _ = idle(t, db)
	queries := new(counter)
	db = db.WithQueryHook(queries)
	h := admin.New(newSched(t, db, throttle.Limits{}))
	srv := server(t, h)
	_ = get(t, h, "/v1/transforms/"+move) // looked at, and not watched
	spent := func(viewers int, path string) float64 {
		var leave []func()
		for range viewers {
			tags, end := watch(t, srv.URL+"/admin/v1/"+path)
			leave = append(leave, end)
			_, _ = next(t, tags)
		}
		before, began := queries.n.Load(), time.Now()
		<-time.After(5 * time.Second)
		// At most as many readings as there was time for, one of which may have begun before.
		per := float64(queries.n.Load()-before) / float64(time.Since(began)/(2*time.Second)+1)
		for _, end := range leave {
			end()
		}
		return per
	}
	const all, one = 4, 7 // queries for a reading: of all transforms, and of one besides
	if per := spent(30, "events"); per == 0 || per > all {
		t.Errorf("for 30 who watch all transforms a reading costs %.1f queries, want at most %d", per, all)
	}
	if per := spent(30, "transforms/"+move+"/events"); per == 0 || per > one {
		t.Errorf("for 30 who watch one transform a reading costs %.1f queries, want at most %d", per, one)
	}
	<-time.After(500 * time.Millisecond) // a reading may be under way
	before := queries.n.Load()
	<-time.After(3 * time.Second)
	if got := queries.n.Load() - before; got != 0 {
		t.Errorf("once all have left there were %d queries", got)
	}
}

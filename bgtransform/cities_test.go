package bgtransform_test

import (
	"compress/gzip"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform"
	"github.com/bgtransform/sidecar/bgtransform/throttle"
)

// City is a populated place, with its position as text and as numbers.
type City struct {
	bun.BaseModel `bun:"table:cities,alias:city"`

	ID     int64    `bun:"id,pk"`
	Name   string   `bun:"name"`
	Lat    string   `bun:"lat"`
	Lng    string   `bun:"lng"`
	LatDeg *float64 `bun:"lat_deg"`
	LngDeg *float64 `bun:"lng_deg"`
}

// citiesFile is GeoNames data (CC BY 4.0) that stands beside the project and
// is no part of it.
const citiesFile = "../../shared/data/cities.csv.gz"

// cityCount is how many of its rows are used: all 171,075 of them, and the
// first 5,000 under the race detector.
func cityCount() int64 {
	if raceEnabled {
		return 5_000
	}
	return 171_075
}

func citiesDB(t testing.TB) string {
	t.Helper()
	file, err := os.Open(citiesFile)
	if errors.Is(err, os.ErrNotExist) {
		t.Skipf("no real data: %s is absent", citiesFile)
	}
	must(t, err)
	defer func() { _ = file.Close() }()
	unzip, err := gzip.NewReader(file)
	must(t, err)
	path := filepath.Join(t.TempDir(), "cities.db")
	db := open(t, path)
	exec(t, db, "CREATE TABLE cities (id INTEGER PRIMARY KEY, name TEXT, lat TEXT, lng TEXT, lat_deg REAL, lng_deg REAL)")
	records := csv.NewReader(unzip)
	must(t, errOf(records.Read())) // the header
	var chunk []City
	for n := 0; ; n++ {
		rec, err := records.Read()
		if err != nil && !errors.Is(err, io.EOF) {
			t.Fatal(err)
		}
		over := int64(n) == cityCount() || err != nil
		if over || len(chunk) == 2000 {
			must(t, errOf(db.NewInsert().Model(&chunk).Exec(t.Context())))
			chunk = chunk[:0]
		}
		if over {
			break
		}
		id, err := strconv.ParseInt(rec[0], 10, 64)
		must(t, err)
		chunk = append(chunk, City{ID: id, Name: rec[1], Lat: rec[2], Lng: rec[3]})
	}
	must(t, db.Close())
	return path
}

func citiesByRows() bgtransform.Transform {
	return bgtransform.Rows[City]{
		Name: "city-degrees", Pending: "lat_deg IS NULL OR lng_deg IS NULL",
		Reads: []string{"lat", "lng"}, Writes: []string{"lat_deg", "lng_deg"},
		Each: func(_ context.Context, c *City) error {
			lat, err := strconv.ParseFloat(c.Lat, 64)
			if err != nil {
				return fmt.Errorf("latitude: %w", err)
			}
			lng, err := strconv.ParseFloat(c.Lng, 64)
			if err != nil {
				return fmt.Errorf("longitude: %w", err)
			}
			c.LatDeg, c.LngDeg = &lat, &lng
			return nil
		},
	}
}

func citiesBySQL() bgtransform.Transform {
	return bgtransform.SQL[City]{
		Name: "city-degrees", Pending: "lat_deg IS NULL OR lng_deg IS NULL",
		Set: "lat_deg = CAST(lat AS REAL), lng_deg = CAST(lng AS REAL)",
	}
}

func citiesPace() throttle.Limits {
	return throttle.Limits{Duty: 1, StartBatch: int(cityCount() / 80), MaxBatch: int(cityCount() / 80), Target: time.Minute}
}

// Real data, by both kinds: the process is killed at random moments, as far as
// the database can tell (its connections vanish, nothing is released), and the
// next one goes on; every row is verified, and was written once.
func TestCitiesKilledAtRandom(t *testing.T) {
	t.Parallel()
	for _, kind := range []bgtransform.Transform{citiesByRows(), citiesBySQL()} {
		t.Run(fmt.Sprintf("%T", kind), func(t *testing.T) {
			path := citiesDB(t)
			watch := open(t, path)
			exec(t, watch, "CREATE TABLE audit (id INTEGER)")
			exec(t, watch, "CREATE TRIGGER audit_cities AFTER UPDATE ON cities BEGIN INSERT INTO audit VALUES (new.id); END")
			kills := 0
			const cuts = 8
			for ; kills < cuts; kills++ {
				db := open(t, path)
				cfg := quick(t)
				cfg.Limits = citiesPace()
				cfg.Locker = pooled{cfg.Locker} // a new process, with a lease server of its own, waits for nobody
				in := start(t, db, cfg, kind)
				// By rows, not by time, so that a fast machine is not through before the last cut.
				cut := (int64(kills)*cityCount() + rand.N(cityCount())) / (cuts + 2)
				cut = max(cut, count(t, watch, "SELECT count(*) FROM audit")) // and with work of its own
				in.until("city-degrees", "under way", func(st bgtransform.Status) bool {
					return st.State == bgtransform.StateRunning && st.Rows > cut
				})
				timer := time.NewTimer(rand.N(5 * time.Millisecond)) // anywhere in a batch
				<-timer.C
				must(t, db.Close()) // from here on, every statement of the process fails
				in.stop()
			}
			cfg := quick(t)
			cfg.Limits = citiesPace()
			st := start(t, open(t, path), cfg, kind).untilState("city-degrees", bgtransform.StateComplete)
			t.Logf("killed %d times, %d attempts, %d batches", kills, st.Attempt, st.Batches)
			if st.Rows != cityCount() || st.Quarantined != 0 || st.Attempt < int64(kills) {
				t.Errorf("got %+v", st)
			}
			if n := count(t, watch, "SELECT count(*) FROM audit"); n != cityCount() {
				t.Errorf("rows were written %d times, want %d", n, cityCount())
			}
			if n := count(t, watch, "SELECT count(DISTINCT id) FROM audit"); n != cityCount() {
				t.Errorf("%d rows were written, want %d", n, cityCount())
			}
			verifyCities(t, watch)
		})
	}
}

// verifyCities compares every row with what Go makes of its text.
func verifyCities(t *testing.T, db *bun.DB) {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), "SELECT id, lat, lng, lat_deg, lng_deg FROM cities")
	must(t, err)
	defer rows.Close()
	seen := 0
	for rows.Next() {
		var c City
		must(t, rows.Scan(&c.ID, &c.Lat, &c.Lng, &c.LatDeg, &c.LngDeg))
		lat, _ := strconv.ParseFloat(c.Lat, 64)
		lng, _ := strconv.ParseFloat(c.Lng, 64)
		if c.LatDeg == nil || c.LngDeg == nil || *c.LatDeg != lat || *c.LngDeg != lng {
			t.Fatalf("city %d: %q, %q became %v, %v", c.ID, c.Lat, c.Lng, c.LatDeg, c.LngDeg)
		}
		seen++
	}
	must(t, rows.Err())
	if int64(seen) != cityCount() {
		t.Errorf("%d rows, want %d", seen, cityCount())
	}
}

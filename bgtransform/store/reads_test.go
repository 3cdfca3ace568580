package store_test

import (
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/bgtransform/sidecar/bgtransform/store"
)

// What instances count is added up, also when they count at once, and the time of
// each kind of event stays where it was until there is another one.
func TestReadsAreAddedUp(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, f *fixture) {
		now := f.record().NowMS
		f.must(f.store.AddReads(t.Context(), "a", "x", store.ReadCounts{Fallbacks: 5, Compared: 9}))
		f.must(f.store.AddReads(t.Context(), `o'b\`, "x", store.ReadCounts{}))
		f.must(f.store.AddReads(t.Context(), "a", "other", store.ReadCounts{Fallbacks: 100}))
		before := f.readTotal()
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() {
				if err := f.store.AddReads(t.Context(), "a", "x", store.ReadCounts{Missing: 2, Mismatches: 1}); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		got := f.readTotal()
		if got.Fallbacks != 5 || got.Missing != 8 || got.Compared != 9 || got.Mismatches != 4 {
			t.Errorf("the counts are %+v, want 5, 8, 9 and 4", got.ReadCounts)
		}
		if before.LastFallbackMS < now || before.LastMissingMS != 0 || before.LastMismatchMS != 0 {
			t.Errorf("times of the last are %+v, want that of a fallback only, from %d on", before, now)
		}
		if got.LastFallbackMS != before.LastFallbackMS || got.LastMissingMS < now || got.LastMismatchMS < now || got.FirstMS < now || got.SeenMS < got.FirstMS {
			t.Errorf("times are %+v after %+v", got, before)
		}
		each, err := f.store.ReadInstances(t.Context(), "x", 5)
		f.must(err)
		counts := map[string]store.ReadCounts{}
		for _, r := range each {
			counts[r.Instance] = r.ReadCounts
		}
		want := map[string]store.ReadCounts{"a": {Fallbacks: 5, Missing: 8, Compared: 9, Mismatches: 4}, `o'b\`: {}}
		if diff := cmp.Diff(want, counts); diff != "" {
			t.Errorf("instances (-want +got):\n%s", diff)
		}
	})
}

// readTotal adds up the hours of x.
func (f *fixture) readTotal() (sum store.Reads) {
	f.Helper()
	hours, err := f.store.ReadHours(f.Context(), "x")
	f.must(err)
	for i, h := range hours {
		if i == 0 || h.FirstMS < sum.FirstMS {
			sum.FirstMS = h.FirstMS
		}
		sum.Fallbacks, sum.Missing = sum.Fallbacks+h.Fallbacks, sum.Missing+h.Missing
		sum.Compared, sum.Mismatches = sum.Compared+h.Compared, sum.Mismatches+h.Mismatches
		sum.SeenMS, sum.LastFallbackMS = max(sum.SeenMS, h.SeenMS), max(sum.LastFallbackMS, h.LastFallbackMS)
		sum.LastMissingMS, sum.LastMismatchMS = max(sum.LastMissingMS, h.LastMissingMS), max(sum.LastMismatchMS, h.LastMismatchMS)
	}
	return sum
}

// Hours are counted apart, and the old ones are neither shown nor kept.
func TestReadsOfOldHoursAreForgotten(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, f *fixture) {
		const hour = 3_600_000
		this := f.record().NowMS / hour * hour
		ago := func(hours int64, name string) store.Reads {
			return store.Reads{Name: name, Instance: "a", HourMS: this - hours*hour, ReadCounts: store.ReadCounts{Fallbacks: hours}, FirstMS: 1, SeenMS: 2}
		}
		kept := int64(store.ReadsKept.Hours())
		rows := []store.Reads{ago(1, "x"), ago(kept-1, "x"), ago(kept+1, "x"), ago(kept+1, "y")}
		if _, err := f.db.NewInsert().Model(&rows).Exec(t.Context()); err != nil {
			t.Fatal(err)
		}
		f.must(f.store.AddReads(t.Context(), "b", "x", store.ReadCounts{Fallbacks: 3}))
		hours, err := f.store.ReadHours(t.Context(), "x")
		f.must(err)
		if len(hours) == 3 && hours[2].HourMS == this+hour {
			this += hour // the clock has struck meanwhile
		}
		want := []store.Reads{ago(kept-1, ""), ago(1, ""), {HourMS: this, ReadCounts: store.ReadCounts{Fallbacks: 3}}}
		ignored := cmpopts.IgnoreFields(store.Reads{}, "BaseModel", "Instance", "FirstMS", "SeenMS", "LastFallbackMS")
		if diff := cmp.Diff(want, hours, ignored); diff != "" {
			t.Errorf("hours (-want +got):\n%s", diff)
		}
		f.must(f.store.ForgetReads(t.Context(), "x"))
		left, err := f.db.NewSelect().Model((*store.Reads)(nil)).Count(t.Context())
		f.must(err)
		if left != 4 {
			t.Errorf("%d hours are left, want 3 of x and 1 of y", left)
		}
	})
}

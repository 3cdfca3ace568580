package bgtransform_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/bgtransform/sidecar/bgtransform"
)

// Page is a row that the app changes again and again, and that is to follow.
type Page struct {
	bun.BaseModel `bun:"table:pages,alias:page"`

	ID      int64     `bun:"id,pk"`
	Body    string    `bun:"body"`
	Words   int64     `bun:"words"`
	Changed time.Time `bun:"changed,nullzero,type:timestamp(6)"`
	Counted time.Time `bun:"counted,nullzero,type:timestamp(6)"`
}

func byWatermark() bgtransform.Watermark {
	return bgtransform.Watermark{Changed: "changed", Done: "counted"}
}

func countWords(name string) bgtransform.Rows[Page] {
	return bgtransform.Rows[Page]{
		Name: name, Reads: []string{"body"}, Writes: []string{"words"}, Watermark: byWatermark(),
		Each: func(_ context.Context, p *Page) error {
			p.Words = int64(len(strings.Fields(p.Body)))
			return nil
		},
	}
}

// newPages makes n pages of i%5 words each; every tenth was never changed.
func newPages(t testing.TB, db *bun.DB, n int) {
	t.Helper()
	columns := "id bigint PRIMARY KEY, body varchar(200) NOT NULL, words bigint NOT NULL, changed timestamp(6) NULL, counted timestamp(6) NULL"
	exec(t, db, "CREATE TABLE pages ("+columns+")")
	pages := make([]Page, n)
	for i := range pages {
		pages[i] = Page{ID: int64(i + 1), Body: strings.Repeat("word ", (i+1)%5), Words: -1}
		if i%10 != 0 {
			pages[i].Changed = time.Date(2024, 1, 2, 3, 4, 5, 123_456_000, time.UTC).Add(time.Duration(i) * time.Hour)
		}
	}
	must(t, errOf(db.NewInsert().Model(&pages).Exec(t.Context())))
}

// edit changes a page as the app does.
func edit(t testing.TB, db *bun.DB, id int64, body string, at time.Time) {
	t.Helper()
	page := Page{ID: id, Body: body, Changed: at}
	must(t, errOf(db.NewUpdate().Model(&page).Column("body", "changed").WherePK().Exec(context.Background())))
}

func wantCounted(t testing.TB, db *bun.DB) {
	t.Helper()
	var pages []Page
	must(t, db.NewSelect().Model(&pages).Scan(context.Background()))
	for _, p := range pages {
		if want := int64(len(strings.Fields(p.Body))); p.Words != want || p.Counted.IsZero() {
			t.Errorf("page %d has %d words counted at %s, want %d", p.ID, p.Words, p.Counted, want)
		}
	}
}

func TestI5WatermarkFollowsTheApp(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, db *bun.DB) {
		newPages(t, db, 500)
		in := start(t, db, quick(t), countWords("x"))
		st := in.untilState("x", bgtransform.StateComplete)
		wantCounted(t, db)
		if st.Rows != 500 || st.Pass != 2 {
			t.Errorf("%d rows in %d passes, want 500 in 2", st.Rows, st.Pass)
		}
		now := time.Now().UTC().Truncate(time.Microsecond)
		edit(t, db, 7, "one two three four five six seven", now)
		edit(t, db, 11, "it was never changed before", now)
		must(t, in.Control().Restart(t.Context(), "x", ann))
		st = in.until("x", "complete again", func(st bgtransform.Status) bool { return st.Run == 2 && st.State == bgtransform.StateComplete })
		wantCounted(t, db)
		if st.Rows != 2 {
			t.Errorf("%d rows were done again, want the two that were changed", st.Rows)
		}
	})
}

func TestWatermarkBySQL(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, db *bun.DB) {
		newPages(t, db, 500)
		byLength := bgtransform.SQL[Page]{Name: "x", Set: "words = length(body)", Watermark: byWatermark()}
		in := start(t, db, quick(t), byLength)
		st := in.untilState("x", bgtransform.StateComplete)
		if n := count(t, db, "SELECT count(*) FROM pages WHERE words = length(body) AND counted IS NOT NULL"); n != 500 || st.Rows != 500 {
			t.Errorf("%d pages are right, %d were written; want 500", n, st.Rows)
		}
	})
}

// A row that is changed while our code works on it is not taken for done.
func TestI3WatermarkOfARowThatMovesOn(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, db *bun.DB) {
		newPages(t, db, 100)
		r := countWords("x")
		each := r.Each
		var once sync.Once
		r.Each = func(ctx context.Context, p *Page) error {
			if p.ID == 50 {
				once.Do(func() { edit(t, db, 50, "a user's edit", time.Now().UTC().Truncate(time.Microsecond)) })
			}
			return each(ctx, p)
		}
		st := start(t, db, quick(t), r).untilState("x", bgtransform.StateComplete)
		wantCounted(t, db)
		if st.Moved != 1 {
			t.Errorf("%d rows moved on, want 1", st.Moved)
		}
	})
}

func TestWatermarkIsChecked(t *testing.T) {
	t.Parallel()
	s, err := bgtransform.New(newDB(t, 0), quick(t))
	must(t, err)
	for name, w := range map[string]bgtransform.Watermark{
		"Watermark wants two columns":  {Changed: "changed"},
		`"nowhere"`:                    {Changed: "nowhere", Done: "counted"},
		`"gone"`:                       {Changed: "changed", Done: "gone"},
		"want two of the same type":    {Changed: "changed", Done: "words"},
		"Watermark wants two columns:": {Changed: "changed", Done: "changed"},
	} {
		rows, set := countWords("x"), bgtransform.SQL[Page]{Name: "x", Set: "words = 1", Watermark: w}
		rows.Watermark = w
		for _, kind := range []bgtransform.Transform{rows, set} {
			if err := s.Register(kind); err == nil || !strings.Contains(err.Error(), name) {
				t.Errorf("%T with %+v: %v, want an error that says %s", kind, w, err, name)
			}
		}
	}
}

// A transform that follows the app's changes: whoever edits a page sets changed,
// and the transform counts it again.
func ExampleWatermark() {
	db := songs()
	defer func() { _ = db.Close() }()
	ctx := context.Background()
	if _, err := db.NewCreateTable().Model((*Page)(nil)).Exec(ctx); err != nil {
		panic(err)
	}
	page := Page{ID: 1, Body: "to be or not to be", Changed: time.Now()}
	if _, err := db.NewInsert().Model(&page).Exec(ctx); err != nil {
		panic(err)
	}
	sched, _ := bgtransform.New(db, exampleConfig())
	err := sched.Register(bgtransform.Rows[Page]{
		Name:      "count-words",
		Reads:     []string{"body"},
		Writes:    []string{"words"},
		Watermark: bgtransform.Watermark{Changed: "changed", Done: "counted"},
		Each: func(_ context.Context, p *Page) error {
			p.Words = int64(len(strings.Fields(p.Body)))
			return nil
		},
	})
	if err != nil {
		panic(err)
	}
	runUntil(sched, is(bgtransform.StateComplete))
	if err := db.NewSelect().Model(&page).WherePK().Scan(ctx); err != nil {
		panic(err)
	}
	fmt.Println(page.Words, "words, up to date:", page.Counted.Equal(page.Changed))
	// Output: 6 words, up to date: true
}

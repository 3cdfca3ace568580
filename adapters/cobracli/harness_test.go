package cobracli_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"io"
	"log/slog"
	"maps"
	"path/filepath"
	"strings"
	"testing"
	"time"

	_ "github.com/go-sql-driver/mysql"
	_ "github.com/jackc/pgx/v5/stdlib"
	"github.com/spf13/cobra"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/mysqldialect"
	"github.com/uptrace/bun/dialect/pgdialect"
	"github.com/uptrace/bun/dialect/sqlitedialect"
	"github.com/uptrace/bun/schema"
	_ "modernc.org/sqlite"

	"github.com/bgtransform/sidecar/adapters/cobracli"
	"github.com/bgtransform/sidecar/bgtransform"
	"github.com/bgtransform/sidecar/bgtransform/throttle"
	"github.com/bgtransform/sidecar/internal/testserver"
)

// Track is the table whose length moves to length_ms.
type Track struct {
	bun.BaseModel `bun:"table:tracks,alias:track"`

	ID       int64  `bun:"id,pk"`
	Length   int64  `bun:"length"`
	LengthMS *int64 `bun:"length_ms"`
}

const move = "track-length-ms"

var errNegative = errors.New("the length is negative")

func lengthMS() bgtransform.Rows[Track] {
	return bgtransform.Rows[Track]{
		Name: move, Pending: "length_ms IS NULL", Reads: []string{"length"}, Writes: []string{"length_ms"},
		Options: bgtransform.Options{Journal: true},
		Each: func(_ context.Context, m *Track) error {
			if m.Length < 0 {
				return errNegative
			}
			ms := m.Length * 1000
			m.LengthMS = &ms
			return nil
		},
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func dsn(path string) string {
	return "file:" + path + "?_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)&_pragma=synchronous(OFF)&_txlock=immediate"
}

// database is one that a test and the commands that it runs open by themselves.
type database struct{ kind, dsn string }

func newDatabase(t testing.TB, kind string) database {
	t.Helper()
	switch kind {
	case "pg":
		return database{kind, testserver.SharedPostgres(t).Database(t)}
	case "mysql":
		return database{kind, testserver.SharedMariaDB(t).Database(t)}
	default:
		return database{"sqlite", dsn(filepath.Join(t.TempDir(), "test.db"))}
	}
}

func (d database) open() (*bun.DB, error) {
	driver, spoken := "sqlite", schema.Dialect(sqlitedialect.New())
	switch d.kind {
	case "pg":
		driver, spoken = "pgx", pgdialect.New()
	case "mysql":
		driver, spoken = "mysql", mysqldialect.New()
	}
	pool, err := sql.Open(driver, d.dsn)
	if err != nil {
		return nil, err
	}
	pool.SetMaxOpenConns(8)
	return bun.NewDB(pool, spoken), nil
}

// seed makes the table with n tracks, the first of which may be bad.
func (d database) seed(t testing.TB, n int, bad bool) *bun.DB {
	t.Helper()
	db, err := d.open()
	must(t, err)
	t.Cleanup(func() { _ = db.Close() })
	_, err = db.NewCreateTable().Model((*Track)(nil)).Exec(t.Context())
	must(t, err)
	rows := make([]Track, n)
	for i := range rows {
		rows[i] = Track{ID: int64(i) + 1, Length: int64(i)}
	}
	if n == 0 {
		return db
	}
	if bad {
		rows[0].Length = -1
	}
	_, err = db.NewInsert().Model(&rows).Exec(t.Context())
	must(t, err)
	return db
}

// quick is the Config of an app that reacts at once.
func quick(limits throttle.Limits) bgtransform.Config {
	return bgtransform.Config{
		Logger: slog.New(slog.DiscardHandler), Environ: []string{}, Instance: "web-1", Version: "7",
		IdlePoll: 50 * time.Millisecond, Grace: time.Second, Limits: limits,
	}
}

// start runs the app beside the commands.
func start(t testing.TB, db *bun.DB, limits throttle.Limits) *bgtransform.Scheduler {
	t.Helper()
	s, err := bgtransform.New(db, quick(limits))
	must(t, err)
	must(t, s.Register(lengthMS()))
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { // ends with ctx
		defer close(done)
		_ = s.Run(ctx)
	}()
	t.Cleanup(func() { cancel(); <-done })
	return s
}

// reach waits until the transform is as wanted.
func reach(t testing.TB, s *bgtransform.Scheduler, what string, ok func(bgtransform.Status) bool) bgtransform.Status {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 40*time.Second)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		all, err := s.Status(ctx)
		if err == nil && ok(all[0]) {
			return all[0]
		}
		select {
		case <-ctx.Done():
			t.Fatalf("%s does not come: %+v, %v", what, all, err)
		case <-tick.C:
		}
	}
}

func in(state bgtransform.State) func(bgtransform.Status) bool {
	return func(st bgtransform.Status) bool { return st.State == state }
}

// result is what a command came to.
type result struct {
	out, err string
	code     int
}

// app is a command line of an app.
type app struct {
	db       database
	code     bool // the app's transforms are registered
	opts     []cobracli.Option
	terminal bool
	env      map[string]string
	stdin    io.Reader
}

func (a app) root(out, errs io.Writer) *cobra.Command {
	open := func(context.Context) (cobracli.App, error) {
		db, err := a.db.open()
		if err != nil || !a.code {
			return cobracli.App{DB: db, Close: db.Close}, err
		}
		s, err := bgtransform.New(db, quick(throttle.Limits{Duty: 1}))
		if err != nil {
			return cobracli.App{Close: db.Close}, err
		}
		return cobracli.App{DB: db, Scheduler: s, Close: db.Close}, s.Register(lengthMS())
	}
	env := map[string]string{"USER": "tester"}
	maps.Copy(env, a.env)
	root := &cobra.Command{Use: "myapp"}
	root.AddCommand(cobracli.New(open, append([]cobracli.Option{cobracli.Surroundings(
		func(name string) string { return env[name] }, func(any) bool { return a.terminal }, time.Now,
	)}, a.opts...)...))
	root.SetOut(out)
	root.SetErr(errs)
	root.SetIn(a.stdin)
	return root
}

// run runs one command.
func (a app) run(t testing.TB, words ...string) result {
	t.Helper()
	var out, errs bytes.Buffer
	root := a.root(&out, &errs)
	root.SetArgs(append([]string{"transforms"}, words...))
	code := cobracli.ExitCode(root.ExecuteContext(t.Context()))
	return result{out.String(), errs.String(), code}
}

// wants fails unless a command ends with a code, and says some things.
func (a app) wants(t testing.TB, code int, words []string, says ...string) result {
	t.Helper()
	r := a.run(t, words...)
	if r.code != code {
		t.Errorf("transforms %s: exit code %d, want %d; it said\n%s%s", strings.Join(words, " "), r.code, code, r.out, r.err)
	}
	for _, want := range says {
		if !strings.Contains(r.out+r.err, want) {
			t.Errorf("transforms %s: want %q in\n%s%s", strings.Join(words, " "), want, r.out, r.err)
		}
	}
	return r
}

func words(line string) []string { return strings.Fields(line) }

// onEach runs a test on every database.
func onEach(t *testing.T, test func(t *testing.T, d database)) {
	t.Helper()
	for _, kind := range []string{"sqlite", "pg", "mysql"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			test(t, newDatabase(t, kind))
		})
	}
}

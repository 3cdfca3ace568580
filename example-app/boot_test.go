package main

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/bgtransform/sidecar/bgtransform"
)

func TestRefusedAtStart(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = taken.Close() })
	for name, tc := range map[string]struct {
		env  []string
		args []string
		code int
		want []string
	}{
		"taken port":        {env: []string{"HTTP_ADDR=" + taken.Addr().String()}, code: 1, want: []string{taken.Addr().String(), "address already in use", "HTTP_ADDR"}},
		"no port":           {env: []string{"HTTP_ADDR=127.0.0.1:music"}, code: 1, want: []string{"127.0.0.1:music"}},
		"bad number":        {args: []string{"-tracks", "many"}, code: 2, want: []string{`"many"`, "-tracks"}},
		"negative tracks":   {args: []string{"-tracks", "-1"}, code: 2, want: []string{"-tracks is -1"}},
		"negative bad":      {args: []string{"-bad", "-1"}, code: 2, want: []string{"-bad is -1"}},
		"unknown flag":      {args: []string{"-twice"}, code: 2, want: []string{"-twice"}},
		"unknown command":   {args: []string{"transform"}, code: 2, want: []string{`unknown command "transform"`}},
		"bad PostgreSQL":    {env: []string{"DATABASE_URL=postgres://u:sec/ret@h/db"}, code: 2, want: []string{"no URL", "not shown", "postgres://USER:PASSWORD@localhost:5432/DATABASE"}},
		"bad parameter":     {env: []string{"DATABASE_URL=postgres://u:secret@h/db?sslmode=maybe"}, code: 2, want: []string{"sslmode is invalid", "postgres://USER"}},
		"no slashes":        {env: []string{"DATABASE_URL=postgres:u:secret@h/db"}, code: 2, want: []string{"lacks //", "postgres://USER"}},
		"bad MySQL":         {env: []string{"DATABASE_URL=mysql://u:sec/ret@h/db"}, code: 2, want: []string{"no URL", "mysql://USER:PASSWORD@localhost:3306/DATABASE"}},
		"bad MySQL timeout": {env: []string{"DATABASE_URL=mysql://u:secret@h/db?timeout=soon"}, code: 2, want: []string{`"soon"`, "mysql://USER"}},
		"no MySQL database": {env: []string{"DATABASE_URL=mysql://u:secret@h"}, code: 2, want: []string{"names no database", "mysql://USER"}},
		"the driver's own":  {args: []string{"-db", "u:secret@tcp(h)/db"}, code: 2, want: []string{"not shown", "mysql://USER"}},
		"in memory":         {env: []string{"DATABASE_URL=sqlite::memory:"}, code: 2, want: []string{"must be a file"}},
		"unknown scheme":    {env: []string{"DATABASE_URL=oracle://u:secret@h/db"}, code: 2, want: []string{`"oracle"`, "sqlite:PATH", "postgres://USER", "mysql://USER"}},
		"bad Redis address": {env: []string{"REDIS_URL=localhost:6379"}, code: 2, want: []string{"REDIS_URL", "redis://localhost:6379/0"}},
		"bad log level":     {env: []string{"LOG_LEVEL=loud"}, code: 2, want: []string{`LOG_LEVEL is "loud"`}},
		"all at once":       {env: []string{"LOG_LEVEL=loud", "DATABASE_URL=mysql://h"}, args: []string{"-bad", "-1"}, code: 2, want: []string{"LOG_LEVEL", "MySQL", "-bad"}},
		"help":              {args: []string{"-h"}, code: 0, want: []string{"DATABASE_URL", "-once", "-tracks"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := spawn(t, tc.env, tc.args...)
			if code := p.exit(t); code != tc.code {
				t.Errorf("exit code %d, want %d", code, tc.code)
			}
			contains(t, p.stderr.String(), tc.want...)
			if strings.Contains(p.stderr.String(), "secret") || strings.Contains(p.stderr.String(), "sec/ret") {
				t.Error("the error shows a password")
			}
		})
	}
}

// TestDatabaseComesLate starts the app when its database cannot be opened yet.
func TestDatabaseComesLate(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "later")
	p := startOn(t, filepath.Join(dir, "catalogue.db"), nil, "-tracks", "200", "-bad", "0")
	p.says(t, "the database is not ready")
	var h health
	if code, _ := p.get(t, "/healthz", &h); code != 503 || h.Status != "degraded" || h.Redis != "ok" || h.Database == "ok" {
		t.Errorf("GET /healthz = %d %+v, want 503 and degraded for its database", code, h)
	}
	if code, body := p.get(t, "/livez", nil); code != 200 {
		t.Errorf("GET /livez = %d %s, want 200 without a database as well", code, body)
	}
	if st := p.status(t); st.State != bgtransform.StatePending || st.Here.Code != bgtransform.ReasonDatabase || !strings.Contains(st.Here.Text, "unable to open") {
		t.Errorf("status %+v, want that the database cannot be opened", st)
	}
	if code, _ := p.get(t, "/tracks/1", nil); code != 503 {
		t.Errorf("GET /tracks/1 = %d, want 503", code)
	}
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	p.reaches(t, bgtransform.StateComplete)
	if code, _ := p.get(t, "/healthz", &h); code != 200 || h.Status != "ok" {
		t.Errorf("GET /healthz = %d %+v, want ok", code, h)
	}
}

// TestOnceWithoutDatabase does not wait for what may never come.
func TestOnceWithoutDatabase(t *testing.T) {
	t.Parallel()
	p := startOn(t, filepath.Join(t.TempDir(), "no", "catalogue.db"), nil, "-once")
	code, res := p.exit(t), p.result(t)
	if code != 1 || res.Status != "pending" || res.Wrong != -1 || res.Remaining != -1 {
		t.Errorf("exit code %d, result %+v; want 1, pending, and -1 for what is not known", code, res)
	}
	contains(t, p.stderr.String(), "unable to open database file")
}

func TestReadOnlyDatabase(t *testing.T) {
	t.Parallel()
	path := newDatabase(t, "-tracks", "200")
	p := spawn(t, []string{"DATABASE_URL=file:" + path + "?mode=ro"}, "-traffic=false")
	eventually(t, "the status says that the database cannot be written", func() bool {
		return p.status(t).Here.Code == bgtransform.ReasonDatabase
	})
	var got trackJSON
	if code, _ := p.get(t, "/tracks/1", &got); code != 200 || got.LengthMS != 90_000 {
		t.Errorf("GET /tracks/1 = %d %+v, want 200 and 90000 ms by the fallback", code, got)
	}
	if code, _ := p.send(t, "PUT", "/tracks/1", `{"length_ms": 1}`, nil); code != 503 {
		t.Errorf("PUT = %d, want 503", code)
	}
	pause(time.Second)
	if n := strings.Count(p.stderr.String(), `msg="bgtransform: the pool cannot be seen"`); n > 1 {
		t.Errorf("the log says %d times that the pool cannot be seen, want once", n)
	}
}

// TestRedisAway starts the app when its Redis cannot be reached.
func TestRedisAway(t *testing.T) {
	t.Parallel()
	path := newDatabase(t, "-tracks", "200")
	p := startOn(t, path, []string{"REDIS_URL=redis://" + freeAddr(t)}, "-traffic=false")
	eventually(t, "the status says that Redis is away", func() bool {
		return p.status(t).Here.Code == bgtransform.ReasonLocker
	})
	var h health
	if code, _ := p.get(t, "/healthz", &h); code != 200 || h.Status != "degraded" || h.Database != "ok" || h.Redis == "ok" {
		t.Errorf("GET /healthz = %d %+v, want 200 and degraded for its Redis", code, h)
	}
	if code, _ := p.get(t, "/tracks/1", nil); code != 200 {
		t.Errorf("GET /tracks/1 = %d, want 200", code)
	}
	if code, _ := p.send(t, "PUT", "/tracks/1", `{"length_ms": 61001}`, nil); code != 200 {
		t.Errorf("PUT = %d, want 200", code)
	}
}

// TestFlagsAtStart boots with a flag that cannot be right: nothing runs, the rest
// works, and the status says why.
func TestFlagsAtStart(t *testing.T) {
	t.Parallel()
	path := newDatabase(t, "-tracks", "200")
	p := startOn(t, path, []string{"BGTRANSFORM_WINDOW=at night"}, "-traffic=false")
	eventually(t, "the status names the flag", func() bool {
		st := p.status(t)
		return st.Here.Code == bgtransform.ReasonFlags && strings.Contains(st.Here.Text, "BGTRANSFORM_WINDOW")
	})
	if code, _ := p.get(t, "/healthz", nil); code != 200 {
		t.Errorf("GET /healthz = %d, want 200", code)
	}
}

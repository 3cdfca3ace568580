// Package deps_test enforces which package may import which, and that no
// package keeps state of its own. It reads the module's own source.
package deps_test

import (
	"path"
	"slices"
	"strings"
)

const module = "github.com/bgtransform/sidecar"

// Third parties, by the path that all their packages begin with.
const (
	bun       = "github.com/uptrace/bun"
	cron      = "github.com/robfig/cron/v3"
	goRedis   = "github.com/redis/go-redis/v9"
	miniredis = "github.com/alicebob/miniredis/v2"
	otel      = "go.opentelemetry.io/otel"
	otelOther = "go.opentelemetry.io/contrib"
	sqlite    = "modernc.org/sqlite"
	pgx       = "github.com/jackc/pgx/v5"
	mysql     = "github.com/go-sql-driver/mysql"
	cobra     = "github.com/spf13/cobra"
)

// rule says what one package may import besides the standard library.
type rule struct {
	ours   []string // packages of this module, without its path
	theirs []string // third parties
	never  []string // what is forbidden all the same, below theirs
}

// leaves import nothing of ours.
func leaves() []string {
	return []string{"bgtransform/lease", "bgtransform/window", "bgtransform/throttle", "bgtransform/dualread", "bgtransform/fleet"}
}

// rules lists every package whose imports are known.
//
//	stdlib <- leaves <- bgtransform <- adapters, telemetry, admin <- example-app
func rules() map[string]rule {
	engine := slices.Concat(leaves(), []string{"bgtransform"})
	internal := []string{"bgtransform/internal/backoff", "bgtransform/internal/dialect", "bgtransform/internal/image", "bgtransform/internal/keyset", "bgtransform/internal/near"}
	sdk := []string{otel + "/sdk", otel + "/exporters", otelOther}
	return map[string]rule{
		"bgtransform/lease":            {},
		"bgtransform/throttle":         {},
		"bgtransform/fleet":            {},
		"bgtransform/window":           {theirs: []string{cron}},
		"bgtransform/dualread":         {theirs: []string{bun}},
		"bgtransform/contract":         {ours: []string{"bgtransform/internal/backoff", "bgtransform/internal/dialect"}, theirs: []string{bun}},
		"bgtransform/internal/backoff": {},
		"bgtransform/internal/dialect": {theirs: []string{bun}},
		"bgtransform/internal/scalar":  {},
		"bgtransform/internal/near":    {},
		"bgtransform/internal/image":   {ours: []string{"bgtransform/internal/scalar"}},
		"bgtransform/internal/keyset":  {ours: []string{"bgtransform/internal/dialect", "bgtransform/internal/scalar"}, theirs: []string{bun}},
		"bgtransform/store":            {ours: append([]string{"bgtransform/lease", "bgtransform/fleet"}, internal...), theirs: []string{bun}},
		"bgtransform":                  {ours: slices.Concat(leaves(), internal, []string{"bgtransform/store"}), theirs: []string{bun}},
		"bgtransform/admin":            {ours: slices.Concat(engine, []string{"bgtransform/gate"})},
		"bgtransform/gate":             {ours: slices.Concat(engine, []string{"bgtransform/store", "bgtransform/internal/near"}), theirs: []string{bun}},

		"bgtransform/lease/leasetest": {ours: []string{"bgtransform/lease"}},
		"bgtransform/fleet/fleettest": {ours: []string{"bgtransform/fleet"}},
		"bgtransform/bgtransformtest": {ours: append(engine, "bgtransform/store", "bgtransform/lease/leasetest", "bgtransform/fleet/fleettest"), theirs: []string{bun, sqlite}},

		"internal/testserver":    {theirs: []string{goRedis, pgx, mysql}},
		"internal/collectortest": {},
		"internal/healthtest":    {ours: []string{"bgtransform", "bgtransform/throttle"}, theirs: []string{bun}},
		"internal/faulttest":     {},

		"adapters/redislease":     {ours: []string{"bgtransform/lease"}, theirs: []string{goRedis}},
		"adapters/postgreshealth": {ours: []string{"bgtransform/throttle", "adapters/internal/serverhealth"}},
		"adapters/mysqlhealth":    {ours: []string{"bgtransform/throttle", "adapters/internal/serverhealth"}},

		"adapters/cobracli":   {ours: slices.Concat(engine, []string{"bgtransform/gate"}), theirs: []string{bun, cobra}},
		"adapters/bunmigrate": {ours: []string{"bgtransform/gate"}, theirs: []string{bun}},

		"adapters/internal/serverhealth": {ours: []string{"bgtransform/throttle"}},

		"adapters/redisfleet": {ours: []string{"bgtransform/fleet"}, theirs: []string{goRedis}},
		"adapters/redisset":   {ours: engine, theirs: []string{goRedis}},
		"adapters/embedded":   {ours: []string{"bgtransform/lease", "adapters/redislease"}, theirs: []string{goRedis, miniredis}},

		"telemetry":       {ours: engine, theirs: []string{otel}, never: sdk},
		"telemetry/setup": {ours: []string{"telemetry"}, theirs: []string{otel, otelOther}},
	}
}

// ruleFor returns the rule of a package; false when nobody has thought of it.
func ruleFor(name string) (rule, bool) {
	if r, ok := rules()[name]; ok {
		return r, true
	}
	switch {
	case name == "example-app" || strings.HasPrefix(name, "example-app/"):
		return rule{ours: []string{""}, theirs: []string{""}}, true // it shows everything together
	case path.Dir(name) == "bgtransform/internal":
		return rule{}, true
	default:
		return rule{}, false
	}
}

// forTests reports whether a package exists for tests only.
func forTests(name string) bool {
	return strings.HasSuffix(path.Base(name), "test") || name == "internal/testserver"
}

// testCode is what must never reach an app's binary.
func testCode(imported string) bool {
	if name, ours := strings.CutPrefix(imported, module+"/"); ours {
		return forTests(name)
	}
	for _, p := range []string{
		"testing", "net/http/httptest", "github.com/google/go-cmp", "github.com/stretchr/testify", "go.uber.org/goleak", "pgregory.net/rapid", "github.com/chromedp",
	} {
		if under(imported, p) {
			return true
		}
	}
	return false
}

// heavy is what must not come along with the engine by any way: a client, a
// driver, telemetry.
func heavy(imported string) bool {
	for _, p := range []string{
		goRedis, miniredis, "go.opentelemetry.io", sqlite, module + "/adapters", module + "/telemetry", module + "/example-app",
		"github.com/jackc/pgx", "github.com/lib/pq", mysql, cobra, "github.com/spf13/pflag", "github.com/mattn/go-sqlite3",
		bun + "/driver", bun + "/dialect/sqlitedialect", bun + "/dialect/pgdialect", bun + "/dialect/mysqldialect",
	} {
		if under(imported, p) {
			return true
		}
	}
	return false
}

// light reports whether a package is part of the engine.
func light(name string) bool { return under(name, "bgtransform") && !forTests(name) }

// under reports whether an import path is root or below it. All are below "".
func under(imported, root string) bool {
	return root == "" || imported == root || strings.HasPrefix(imported, root+"/")
}

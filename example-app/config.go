package main

import (
	"cmp"
	"errors"
	"flag"
	"io"
	"log/slog"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/bgtransform/sidecar/bgtransform/window"
)

// config is what the command line and the environment decide.
type config struct {
	Database database
	Redis    *redis.Options // nil: an embedded one
	Addr     string
	Instance string // its name in the pool; empty: the engine's choice
	Release  int
	Deployed bool // -release was given: the app is a release among others
	Seeds    seeds
	Once     bool
	Quiet    time.Duration // of the gate before release 4
	Traffic  bool
	Window   window.Window
	LogLevel slog.Level
}

// seeds is how many tracks the catalogue is to begin with. What was asked for on
// the command line is added to a catalogue that has fewer; defaults are not.
type seeds struct {
	Tracks, Bad           int64
	AskedTracks, AskedBad bool
}

// quietHelp describes the flag -quiet.
const (
	quietDefault = 24 * time.Hour
	quietHelp    = "for `how long` nobody may have needed the old column"
)

// databaseHelp describes the flag -db.
const databaseHelp = "SQLite `file`, or a postgres:// or mysql:// URL (default catalogue.db)"

const helpText = `Usage: example-app [flags]                        serve, and move track.length to length_ms
       example-app -release 1..4 [flags]          be one of four versions of the app, beside another
       example-app walk                           all four, one after the other, with a rollback
       example-app contract                       drop the old column, once release 4 is alone
       example-app transforms [command] [NAME]    watch and steer it from another terminal (--help lists them)

Variables: DATABASE_URL (-db wins), REDIS_URL (unset: embedded), HTTP_ADDR, INSTANCE,
LOG_LEVEL, BGTRANSFORM_* and OTEL_*.

Flags:
`

// parseConfig reads the command line and the environment. The flag -db wins over
// the variable DATABASE_URL.
func parseConfig(args []string, getenv func(string) string, stderr io.Writer) (config, error) {
	var cfg config
	fs := newFlagSet("example-app", helpText, stderr)
	db := fs.String("db", "", databaseHelp)
	fs.Int64Var(&cfg.Seeds.Tracks, "tracks", 100_000, "how many tracks the catalogue begins with; more than it has are added")
	fs.Int64Var(&cfg.Seeds.Bad, "bad", 5, "how many tracks with a bad length it has besides (with -once: 0)")
	fs.IntVar(&cfg.Release, "release", 2, "which of four `versions` of the app this is: 1 before, 2 expand, 3 reads the new column only, 4 contract")
	fs.DurationVar(&cfg.Quiet, "quiet", quietDefault, quietHelp+", before release 4 starts")
	fs.BoolVar(&cfg.Once, "once", false, "exit when the transform is over, with one line of JSON on stdout")
	fs.BoolVar(&cfg.Traffic, "traffic", true, "simulate listeners and editors until the transform is complete")
	fs.TextVar(&cfg.Window, "window", window.Always(), "`when` old rows may be moved, such as \"every 20s for 5s\" to see a window open and close")
	if err := fs.Parse(args); err != nil {
		return config{}, asUsage(err)
	}
	if fs.NArg() > 0 {
		return config{}, usagef("unknown command %q; want transforms, walk or contract, as the first word", fs.Arg(0))
	}
	fs.Visit(func(f *flag.Flag) {
		cfg.Seeds.AskedTracks = cfg.Seeds.AskedTracks || f.Name == "tracks"
		cfg.Seeds.AskedBad = cfg.Seeds.AskedBad || f.Name == "bad"
		cfg.Deployed = cfg.Deployed || f.Name == "release"
	})
	if cfg.Once && !cfg.Seeds.AskedBad {
		cfg.Seeds.Bad = 0
	}
	return cfg, errors.Join(
		cfg.Seeds.check(),
		cfg.release(),
		cfg.database(cmp.Or(*db, getenv("DATABASE_URL"))),
		cfg.environment(getenv),
	)
}

// maxSeeds keeps a slip of the finger from filling the disk.
const maxSeeds = 50_000_000

func (s seeds) check() error {
	if s.Tracks < 0 || s.Tracks > maxSeeds {
		return usagef("-tracks is %d; it must be from 0 to %d", s.Tracks, maxSeeds)
	}
	if s.Bad < 0 || s.Bad > maxSeeds {
		return usagef("-bad is %d; it must be from 0 to %d", s.Bad, maxSeeds)
	}
	return nil
}

// release checks the choice of a release.
func (c config) release() error {
	if c.Release < 1 || c.Release > 4 {
		return usagef("-release is %d; it must be from 1 to 4", c.Release)
	}
	if c.Once && c.Release != 2 {
		return usagef("-once ends when the rows are moved, which release 2 does; leave it out with release %d", c.Release)
	}
	if c.Seeds.AskedTracks && c.Release > 2 {
		return usagef("-tracks adds old rows, with length only, which no release writes that can be beside release %d; add them with -release 1 or 2", c.Release)
	}
	return nil
}

// environment reads the variables. With -once nobody needs to know the address,
// so it is any free one unless HTTP_ADDR says otherwise.
func (c *config) environment(getenv func(string) string) error {
	c.Addr = "127.0.0.1:8080"
	if c.Once {
		c.Addr = "127.0.0.1:0"
	}
	c.Addr = cmp.Or(getenv("HTTP_ADDR"), c.Addr)
	c.Instance = getenv("INSTANCE")
	c.LogLevel = slog.LevelWarn
	if text := getenv("LOG_LEVEL"); text != "" {
		if err := c.LogLevel.UnmarshalText([]byte(text)); err != nil {
			return usagef("LOG_LEVEL is %q; want debug, info, warn or error", text)
		}
	}
	var err error
	c.Redis, err = parseRedis(getenv("REDIS_URL"))
	return err
}

func (c *config) database(text string) error {
	var err error
	c.Database, err = parseDatabase(text, "rwc")
	return err
}

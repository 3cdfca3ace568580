package testserver

import (
	"slices"
	"syscall"
	"testing"
)

// redisRole is what a redis-server is started for.
type redisRole struct {
	name    string
	args    func(*instance) []string // come first
	prepare func(*directory) error   // nil: nothing to prepare
	clock   *Clock                   // nil: the machine's
}

// alone is a server that belongs to no others, or will learn about them later.
func alone(args ...string) redisRole {
	all := slices.Concat([]string{"--save", "", "--appendonly", "no"}, args)
	return redisRole{name: "Redis", args: func(*instance) []string { return all }}
}

func (r redisRole) start(t testing.TB) *Redis {
	t.Helper()
	in, err := r.launch()
	must(t, "start a "+r.name, err)
	return &Redis{own(t, in)}
}

func (r redisRole) launch() (*instance, error) {
	program, err := find("redis-server")
	if err != nil {
		return nil, err
	}
	dir, err := fill(func(d *directory) error {
		if r.prepare == nil {
			return nil
		}
		return r.prepare(d)
	})
	if err != nil {
		return nil, err
	}
	return launch(kind{
		name: r.name,
		command: func(in *instance) []string {
			return r.clock.of(slices.Concat([]string{program}, r.args(in), []string{
				"--port", in.port.text(), "--bind", host, "--dir", in.dir.path,
			}))
		},
		answers: isItself,
		stop:    syscall.SIGTERM,
		quit:    syscall.SIGKILL,
	}, dir)
}

package bgtransformtest

import (
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"slices"
	"sync"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/sqlitedialect"
)

// process stands for one process of the app: its pool of connections, its
// commits, and the fault that befalls it. Once it is dead, nothing of it can
// reach the database.
type process struct {
	db    *bun.DB
	fault fault
	died  func() // called once, from within a commit

	mu      sync.Mutex
	dead    bool
	now     commit // what a commit now would be part of
	commits []commit
}

// commit is one commit of a process.
type commit struct {
	where string // what the transform was at
	own   bool   // the transform's own code had a part in it, or has just run
}

func newProcess(m *memory, f fault, died func()) (*process, error) {
	base, err := m.connector()
	if err != nil {
		return nil, err
	}
	p := &process{fault: f, died: died, now: commit{where: "before batch 1"}}
	p.db = bun.NewDB(sql.OpenDB(&connector{Connector: base, p: p}), sqlitedialect.New())
	return p, nil
}

// at notes what the transform is at, to name the commits by.
func (p *process) at(where string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.now.where = where
}

// doing returns what the transform is at.
func (p *process) doing() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.now.where
}

// own notes whether the transform's own code runs, or has work to commit.
func (p *process) own(yes bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.now.own = yes
}

// history returns the commits so far.
func (p *process) history() []commit {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.commits)
}

func (p *process) alive() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.dead {
		return driver.ErrBadConn
	}
	return nil
}

// errAnswerLost is what the process sees of a commit that took effect although
// the connection broke. It is not driver.ErrBadConn, which promises that
// nothing took effect.
var errAnswerLost = errors.Join(errors.New("bgtransformtest: the connection broke"), io.ErrUnexpectedEOF)

// verdict is what becomes of a commit.
type verdict struct {
	veto bool  // roll it back
	err  error // what the caller is told when it is not vetoed
}

// judge is called within every commit, before it takes effect.
func (p *process) judge() verdict {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.dead {
		return verdict{veto: true}
	}
	p.commits = append(p.commits, p.now)
	if p.fault.commit != len(p.commits) {
		return verdict{}
	}
	if p.fault.kind == answerLost {
		return verdict{err: errAnswerLost}
	}
	p.dead = true
	p.died()
	return verdict{veto: p.fault.kind == killedBefore}
}

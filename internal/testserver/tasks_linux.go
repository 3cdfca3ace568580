package testserver

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"time"
)

// tick is the unit of times in /proc, the same on all of Go's architectures.
const tick = time.Second / 100

// tasks lists the system's processes.
func tasks() ([]task, error) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, err
	}
	var all []task
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue // not a process
		}
		stat, err := os.ReadFile("/proc/" + e.Name() + "/stat")
		if err != nil {
			continue // ended meanwhile
		}
		t := task{pid: pid}
		if err := t.parse(stat); err != nil {
			return nil, err
		}
		all = append(all, t)
	}
	return all, nil
}

// parse reads what follows the program's name, which is in parentheses and may
// have more of them in it.
func (t *task) parse(stat []byte) error {
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	if len(fields) < 15 {
		return fmt.Errorf("read the state of process %d: it has %d fields", t.pid, len(fields))
	}
	t.state = fields[0][0]
	var err error
	if t.parent, err = strconv.Atoi(string(fields[1])); err != nil {
		return fmt.Errorf("read the parent of process %d: %w", t.pid, err)
	}
	for _, field := range fields[11:15] { // its own, and its children's, in and outside of the kernel
		ticks, err := strconv.ParseInt(string(field), 10, 64)
		if err != nil {
			return fmt.Errorf("read the times of process %d: %w", t.pid, err)
		}
		t.spent += time.Duration(ticks) * tick
	}
	return nil
}

package testserver

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
)

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
	rest := stat[bytes.LastIndexByte(stat, ')')+1:]
	if _, err := fmt.Sscanf(string(rest), " %c %d", &t.state, &t.parent); err != nil {
		return fmt.Errorf("read the state of process %d: %w", t.pid, err)
	}
	return nil
}

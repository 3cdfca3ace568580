package testserver

import (
	"errors"
	"io/fs"
	"os"
	"strings"
)

// freeSharedMemory removes the piece of System V shared memory that a PostgreSQL
// that was killed leaves behind. It would be found by the next start, but if there
// is none, it stays until the machine is restarted. A server that ended in any
// other way has removed both that memory and the file which names it.
func freeSharedMemory(in *instance) error {
	file, err := os.ReadFile(in.dir.file(data + "/postmaster.pid"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	const line = 6 // "key id", the seventh line; not there yet if it was killed early
	lines := strings.Split(string(file), "\n")
	if len(lines) <= line {
		return nil
	}
	_, id, _ := strings.Cut(strings.TrimSpace(lines[line]), " ")
	if id = strings.TrimSpace(id); id == "" {
		return nil
	}
	return run(in.dir, nil, "ipcrm", "-m", id)
}

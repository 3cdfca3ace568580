package testserver

import "fmt"

// limited makes of a command one whose files cannot grow beyond a number of bytes;
// 0 is no limit. The signal that comes with the failure is ignored, as there is none
// on a disk that is full. The shell counts in blocks of 512 bytes.
func limited(most int64, command []string) []string {
	if most == 0 {
		return command
	}
	return append([]string{"/bin/sh", "-c", fmt.Sprintf(`trap "" XFSZ; ulimit -S -f %d && exec "$@"`, most/512), "sh"}, command...)
}

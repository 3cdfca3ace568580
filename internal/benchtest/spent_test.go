package benchtest_test

import "time"

// spent is processor time. Unlike the time that passes it does not count what
// other processes of the machine do, nor the disk.
type spent struct{ server, client time.Duration }

// spent returns what the server and this process have spent so far; nothing
// where the system does not say.
func (s *server) spent() spent {
	server, client := s.cpu(), ownCPUTime()
	if server < 0 || client < 0 {
		return spent{}
	}
	return spent{server, client}
}

func (p spent) since(before spent) spent {
	return spent{p.server - before.server, p.client - before.client}
}

func (p spent) both() time.Duration { return p.server + p.client }

// per returns microseconds a row.
func per(rows int, d time.Duration) float64 { return d.Seconds() * 1e6 / float64(rows) }

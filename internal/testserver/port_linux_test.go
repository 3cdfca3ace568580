package testserver

import (
	"net"
	"testing"
)

// TestReservedPort has a server come and go on a port that stays reserved.
func TestReservedPort(t *testing.T) {
	t.Parallel()
	p, err := reservePort()
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := reserve(p.number); err == nil {
			t.Fatal("the port of a server that is down was given away")
		}
		l, err := net.Listen("tcp4", p.addr())
		if err != nil {
			t.Fatalf("the server may not listen on its own port: %v", err)
		}
		if _, err := reserve(p.number); err == nil {
			t.Fatal("the port of a server that is up was given away")
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.release(); err != nil {
		t.Fatal(err)
	}
}

// TestReleasedPort gives ports back. One of them may be somebody else's by the time that
// it is looked at; not all.
func TestReleasedPort(t *testing.T) {
	t.Parallel()
	var taken error
	for range 10 {
		p, err := reservePort()
		if err != nil {
			t.Fatal(err)
		}
		if err := p.release(); err != nil {
			t.Fatal(err)
		}
		release, err := reserve(p.number)
		if err != nil {
			taken = err
			continue
		}
		if err := release(); err != nil {
			t.Fatal(err)
		}
		return
	}
	t.Errorf("ten ports were not given back, the last because of: %v", taken)
}

func TestTakenPort(t *testing.T) {
	t.Parallel()
	var tried []int
	err := withPort(func(p port) error {
		tried = append(tried, p.number)
		if len(tried) < 3 {
			return errPortTaken
		}
		return p.release()
	})
	if err != nil || len(tried) != 3 {
		t.Errorf("%v after the ports %d, want success with the third", err, tried)
	}
}

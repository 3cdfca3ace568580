package redislease_test

import (
	"context"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// mini is a Redis in the test's process.
type mini struct{ *miniredis.Miniredis }

func newMini(t *testing.T) mini {
	t.Helper()
	m := miniredis.NewMiniRedis()
	m.ClockTTL(true)
	t.Cleanup(m.Close)
	return mini{m}
}

func (m mini) client(t *testing.T) *redis.Client {
	t.Helper()
	c := redis.NewClient(&redis.Options{
		Dialer:                   func(context.Context, string, string) (net.Conn, error) { return m.Dial() },
		DisableIdentity:          true,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	})
	t.Cleanup(func() { closeClient(t, c) })
	return c
}

// server is a redis-server of the test's own.
type server struct {
	socket  string
	process *os.Process
}

// startRedis starts a redis-server that keeps nothing and listens on a Unix socket
// only. Without the binary it skips the test, but fails it where CI=true.
func startRedis(t *testing.T) *server {
	t.Helper()
	binary, err := exec.LookPath("redis-server")
	if err != nil && os.Getenv("CI") == "true" {
		t.Fatalf("CI=true, but there is no redis-server: %v", err)
	}
	if err != nil {
		t.Skipf("not tested on a real Redis, there is no redis-server: %v", err)
	}
	dir := socketDir(t)
	s := &server{socket: filepath.Join(dir, "redis.sock")}
	cmd := exec.Command(binary, "--port", "0", "--unixsocket", s.socket, "--dir", dir,
		"--save", "", "--appendonly", "no", "--daemonize", "no", "--logfile", "")
	cmd.Stdout, cmd.Stderr = io.Discard, io.Discard
	if err := cmd.Start(); err != nil {
		t.Fatalf("start redis-server: %v", err)
	}
	s.process = cmd.Process
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	s.waitUntilUp(t)
	return s
}

// socketDir is a directory with a short name: the path of a Unix socket has room
// for a hundred bytes, less than t.TempDir may use.
func socketDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "redis")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

func (s *server) client(t *testing.T) *redis.Client {
	t.Helper()
	c := redis.NewClient(&redis.Options{Network: "unix", Addr: s.socket})
	t.Cleanup(func() { closeClient(t, c) })
	return c
}

func (s *server) waitUntilUp(t *testing.T) {
	t.Helper()
	c := s.client(t)
	deadline := time.NewTimer(20 * time.Second)
	defer deadline.Stop()
	again := time.NewTicker(10 * time.Millisecond)
	defer again.Stop()
	for {
		err := c.Ping(t.Context()).Err()
		if err == nil {
			return
		}
		select {
		case <-again.C:
		case <-deadline.C:
			t.Fatalf("redis-server does not answer: %v", err)
		}
	}
}

func closeClient(t *testing.T, c *redis.Client) {
	t.Helper()
	if err := c.Close(); err != nil {
		t.Errorf("close the client: %v", err)
	}
}
